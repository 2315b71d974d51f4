package media

import "bytes"

// mpegWindow is how far after the tag two MPEG audio frames are looked for, in bytes; writers leave padding there.
const mpegWindow = 64 << 10

// lookMP3 passes the ID3v2 tags, of which there may be a few, and looks for MPEG audio frames.
func lookMP3(r *reader) (Info, error) {
	off := int64(0)
	for range 4 {
		if off >= r.size {
			return Info{}, incomplete("MP3", "it ends with its tag, before any sound")
		}
		b, err := r.upTo(off, 10)
		if err != nil {
			return Info{}, err
		}
		if len(b) < 10 || string(b[:3]) != "ID3" {
			break
		}
		n := int64(b[6]&0x7F)<<21 | int64(b[7]&0x7F)<<14 | int64(b[8]&0x7F)<<7 | int64(b[9]&0x7F)
		footer := int64(b[5] & 0x10)
		off += 10 + n
		if footer != 0 {
			off += 10
		}
	}
	b, err := r.upTo(off, mpegWindow)
	if err != nil {
		return Info{}, err
	}
	for i := range b {
		if mpegAudioAt(b, i, r.size-off) {
			return Info{}, nil
		}
	}
	return Info{}, &Rejected{"The file begins with an ID3 tag, but holds no MP3 sound. Allowed are " + allowedText + "."}
}

// mpegAudioAt says whether b, of an object that has size bytes from b's start on, holds at i an MPEG audio frame that is followed by
// another of its kind, or by the end of the object.
func mpegAudioAt(b []byte, i int, size int64) bool {
	n := mpegFrame(b[i:])
	if n == 0 {
		return false
	}
	if int64(i+n) == size {
		return true
	}
	const kind = 0x0C // sampling rate; version and layer are in the byte before
	return i+n+4 <= len(b) && mpegFrame(b[i+n:]) > 0 && b[i+1]&0xFE == b[i+n+1]&0xFE && b[i+2]&kind == b[i+n+2]&kind
}

// Bit rates in kbit/s by index, and sampling rates in Hz of MPEG-1 by index: ISO/IEC 11172-3 and 13818-3.
var (
	mpegRates = [5][15]int{
		{0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448}, // MPEG-1 layer I
		{0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},    // MPEG-1 layer II
		{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},     // MPEG-1 layer III
		{0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256},    // MPEG-2 layer I
		{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},         // MPEG-2 layers II and III
	}
	mpegSampling = [3]int{44100, 48000, 32000}
)

// mpegFrame is the length in bytes of the MPEG audio frame whose header b begins with, 0 when there is none.
func mpegFrame(b []byte) int {
	if len(b) < 4 || b[0] != 0xFF || b[1]&0xE0 != 0xE0 {
		return 0
	}
	version, layer := b[1]>>3&3, 4-int(b[1]>>1&3) // version 0: 2.5, 2: MPEG-2, 3: MPEG-1
	rate, sampling, padding := int(b[2]>>4), int(b[2]>>2&3), int(b[2]>>1&1)
	if version == 1 || layer == 4 || rate == 0 || rate == 15 || sampling == 3 {
		return 0
	}
	hz, row, samples := mpegSampling[sampling], layer-1, 1152
	if version != 3 {
		row = min(layer, 2) + 2
		hz /= 4 - int(version&2) // 2 for MPEG-2, 4 for 2.5
		if layer == 3 {
			samples = 576
		}
	}
	bits := mpegRates[row][rate] * 1000 // per second
	if layer == 1 {
		return (12*bits/hz + padding) * 4
	}
	return samples/8*bits/hz + padding
}

// Streams of an Ogg file, by how their first packet begins.
var (
	oggAudio = []string{"\x01vorbis", "OpusHead", "\x7fFLAC", "Speex   "}
	oggVideo = []string{"\x80theora", "BBCD\x00", "OVP80", "\x01video"}
)

// lookOgg walks the first pages, each of which begins a stream, and wants sound and no picture.
func lookOgg(r *reader) (Info, error) {
	sound := false
	off := int64(0)
	for range 16 {
		packet, next, err := oggPage(r, off)
		if err != nil {
			return Info{}, err
		}
		if packet == nil {
			break
		}
		for _, p := range oggVideo {
			if bytes.HasPrefix(packet, []byte(p)) {
				return Info{}, &Rejected{"The file is an Ogg video. Allowed are " + allowedText + "."}
			}
		}
		for _, p := range oggAudio {
			sound = sound || bytes.HasPrefix(packet, []byte(p))
		}
		off = next
	}
	if !sound {
		return Info{}, &Rejected{"The file is an Ogg file without sound that is known here (Vorbis, Opus, FLAC, Speex). Allowed are " + allowedText + "."}
	}
	return Info{}, nil
}

// oggPage gives the packet of the page at off and the offset of the next page. The packet is nil when no stream begins there.
func oggPage(r *reader, off int64) (packet []byte, next int64, err error) {
	h, err := r.upTo(off, 27)
	if err != nil || len(h) < 27 || string(h[:4]) != "OggS" || h[5]&2 == 0 {
		return nil, 0, err
	}
	segments := int64(h[26])
	table, err := r.at(off+27, segments)
	if err != nil {
		return nil, 0, err
	}
	n := int64(0)
	for _, s := range table {
		n += int64(s)
	}
	body := off + 27 + segments
	packet, err = r.at(body, n)
	return packet, body + n, err
}
