package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
)

// certificates are where Debian, and most, keep the certificates of authorities.
const certificates = "/etc/ssl/certs/ca-certificates.crt"

// Lambda makes sure that the engine has an image in which a function can run that needs no more than the kernel, as Go programs do: a
// statically linked BusyBox, the machine's certificates of authorities, and the folders that Lambda has. Nothing is pulled. It gives the
// image's name, which changes with its content and with salt.
func (e *Engine) Lambda(ctx context.Context, salt string) (string, error) {
	layer, err := lambdaLayer()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append([]byte(salt), layer...))
	name := "assetry/lambda-" + hex.EncodeToString(sum[:6]) + ":base"
	if has, err := e.api.hasImage(ctx, name); has || err != nil {
		return name, err
	}
	return name, e.api.load(ctx, name, bytes.NewReader(layer), []string{"WORKDIR /var/task", "ENV PATH=/bin"})
}

// lambdaLayer is the file system of the image, as a tar archive.
func lambdaLayer() ([]byte, error) {
	shell, err := busybox()
	if err != nil {
		return nil, err
	}
	authorities, err := os.ReadFile(certificates)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	add := func(h tar.Header, content []byte) {
		h.Size = int64(len(content))
		err = errors.Join(err, w.WriteHeader(&h))
		if len(content) > 0 {
			_, wrote := w.Write(content)
			err = errors.Join(err, wrote)
		}
	}
	err = nil
	for _, dir := range []string{"bin", "etc", "etc/ssl", "etc/ssl/certs", "opt", "var", "var/rapid", "var/runtime", "var/task"} {
		add(tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755}, nil)
	}
	add(tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777}, nil)
	add(tar.Header{Typeflag: tar.TypeReg, Name: "bin/busybox", Mode: 0o755}, shell)
	for _, command := range []string{"sh", "mv", "chmod"} { // with which SAM puts its emulator into the image
		add(tar.Header{Typeflag: tar.TypeSymlink, Name: "bin/" + command, Linkname: "busybox", Mode: 0o777}, nil)
	}
	add(tar.Header{Typeflag: tar.TypeReg, Name: "etc/passwd", Mode: 0o644}, []byte("root:x:0:0:root:/:/bin/sh\n"))
	add(tar.Header{Typeflag: tar.TypeReg, Name: certificates[1:], Mode: 0o644}, authorities)
	return b.Bytes(), errors.Join(err, w.Close())
}

// busybox reads a BusyBox that needs no libraries.
func busybox() ([]byte, error) {
	const remedy = "Debian's package is busybox-static, and `make test` installs it as root"
	path, err := exec.LookPath("busybox")
	if err != nil {
		return nil, fmt.Errorf("%w: a statically linked busybox is missing; %s", ErrAbsent, remedy)
	}
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer func() { _ = f.Close() }()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return nil, fmt.Errorf("%w: %s is linked with libraries, which an image has not; %s", ErrAbsent, path, remedy)
		}
	}
	return os.ReadFile(path)
}
