package versity

import "time"

// Patient lets Close wait for the child for as long as a test wants.
func (s *Server) Patient(stop time.Duration) { s.stop = stop }
