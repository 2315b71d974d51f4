// Package blobtest puts faults between a test and a real bucket: calls that fail and did nothing, and calls that did their work but
// lost the answer. A script decides call by call.
package blobtest
