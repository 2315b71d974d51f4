// Command sam serves Assetry by AWS SAM.
package main

func main() {}
