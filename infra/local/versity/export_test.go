package versity

import "time"

// CloseWithin is Close, with another time after which the child is killed.
func (s *Server) CloseWithin(limit time.Duration) { s.closeWithin(limit) }
