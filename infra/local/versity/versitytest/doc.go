// Package versitytest gives tests a real S3 bucket: one versity child for a test binary, started when first asked for, and a fresh
// bucket for every test. TestMain of such a binary is
//
//	func TestMain(m *testing.M) { versitytest.Main(m) }
package versitytest
