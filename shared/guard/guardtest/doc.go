// Package guardtest gives tests a small internet on loopback: a name server whose answers can change from question to question, and servers
// with certificates of an authority of their own. Both are real: they listen, and are asked by the product's own code.
package guardtest
