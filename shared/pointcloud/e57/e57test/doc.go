// Package e57test writes small files in E57 for tests: header, pages with their checksums, and XML, without points.
package e57test
