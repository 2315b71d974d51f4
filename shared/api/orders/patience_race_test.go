//go:build race

package orders

// Patience is how many times as long as elsewhere things may take here: the race detector watches every access to memory.
const Patience = 20
