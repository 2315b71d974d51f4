// Package samples is the world of events/*.json: the workspace, key, assets and webhook that they name, the bytes behind them, and what has
// to happen before some of them can come. It puts that world into any table and bucket at any time, so that the functions are shown the same
// events in process on SQLite with a clock that stands still, and in containers on DynamoDB Local with a clock that runs; and it tells what
// came of an event in words that are the same for both.
//
// The events say that it is Now. In a world at another time the ids of assets and of the delivery move with it, because an id says when its
// thing was made, and the sweeper and the list of deliveries go by that; Payload rewrites an event for such a world, and Settle a result back.
package samples
