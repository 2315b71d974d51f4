//go:build !race

package orders

// Patience is how many times as long as elsewhere things may take here.
const Patience = 1
