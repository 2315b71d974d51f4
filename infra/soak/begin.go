package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/upload"
)

// begin announces the asset in its way. A client whose request failed sends it again under the same id, as one with an idempotency key.
func (l *life) begin() error {
	if !l.again {
		l.id = l.luck.asset(l.ws, l.clock.now())
	}
	d := upload.Draft{Workspace: l.ws, Name: "life " + l.word(), Declared: "image/png", ID: l.id, Again: l.again}
	l.again = true
	err := map[asset.Via]func(upload.Draft) error{
		asset.ViaSigned: l.beginForm, asset.ViaDirect: l.beginDirect, asset.ViaParts: l.beginParts, asset.ViaURL: l.beginImport,
	}[l.way](d)
	if fault.Is(err, fault.Duplicate) { // an earlier try was done
		l.begun = true
		return l.regrant()
	}
	return err
}

// word is a word of its name that no other asset has.
func (l *life) word() string { return fmt.Sprintf("n%06d", l.n) }

func (l *life) beginForm(d upload.Draft) error {
	a, g, err := l.uploads.Begin(context.Background(), l.who, d)
	if err == nil {
		l.saw(a)
		l.grant(a, &g, nil)
	}
	return err
}

// beginDirect brings a picture, or what is none and has to be refused.
func (l *life) beginDirect(d upload.Draft) error {
	if l.luck.one(10) {
		_, err := l.uploads.Direct(context.Background(), l.who, d, webPage(l.n))
		if fault.Is(err, fault.Invalid) {
			return nil
		}
		if err == nil {
			err = fmt.Errorf("a page was taken for a picture")
		}
		return err
	}
	file := picture(l.n)
	l.promise(file)
	a, err := l.uploads.Direct(context.Background(), l.who, d, file)
	if err == nil {
		l.saw(a)
		l.sent[a.Generation] = append(l.sent[a.Generation], sent{sha256.Sum256(file), true})
	}
	return err
}

// beginParts plans one part, or sometimes two: a part before the last has at least 5 MiB.
func (l *life) beginParts(d upload.Draft) error {
	if l.file == nil {
		l.file = picture(l.n)
		if l.luck.one(16) {
			l.file = largePicture(l.n)
		}
	}
	l.promise(l.file)
	a, g, err := l.uploads.BeginParts(context.Background(), l.who, d, int64(len(l.file)), upload.MinPartSize)
	if err == nil {
		l.saw(a)
		l.grant(a, nil, &g)
	}
	return err
}

func (l *life) beginImport(d upload.Draft) error {
	if l.source == "" {
		kind := pick(l.luck, sourceGood, sourceGood, sourceGood, sourceGood, sourceWhole, sourceBad, sourceGone)
		if l.luck.one(16) {
			kind = sourceLarge
		}
		l.source = sourceOf(kind, l.n)
		if kind != sourceBad {
			l.promise(bodyOf(kind, l.n))
		}
	}
	a, err := l.uploads.BeginImport(context.Background(), l.who, d, l.source, 0)
	if err == nil {
		l.saw(a)
	}
	return err
}

// How long after its end a client may still come with a form: a transfer that began in time. What comes first for an attempt may come so late
// that it was given up; the sweeper looks once more a day after. A form that is used again is given the slack that the product gives it: what
// comes later and loses its event too, nobody ever looks for.
const (
	firstLate = 2 * time.Hour
	againLate = upload.DefaultSlack
)

// tooLate says whether the bucket would take nothing any more by what the client was granted.
func (l *life) tooLate(ends time.Time) bool {
	late := firstLate
	if len(l.sent[l.grantFor]) > 0 || l.ready != "" {
		late = againLate
	}
	return l.clock.now().After(ends.Add(late))
}

// send posts the form with a picture, or sometimes with what is none.
func (l *life) send() error {
	if l.form == nil || l.tooLate(l.form.Expires) {
		return nil
	}
	s := sent{good: !l.luck.one(6)}
	file := webPage(l.n)
	if s.good {
		file = picture(l.n + l.luck.below(3)<<16)
		l.promise(file)
	}
	s.sum = sha256.Sum256(file)
	status, err := l.post(*l.form, file)
	if err != nil || status != http.StatusNoContent {
		return fmt.Errorf("the bucket answered %d to a good form, %v", status, err)
	}
	l.sent[l.grantFor] = append(l.sent[l.grantFor], s)
	return nil
}

// post sends a form as browsers do.
func (l *life) post(g upload.Grant, file []byte) (status int, err error) {
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for _, k := range slices.Sorted(maps.Keys(g.Fields)) {
		if err := m.WriteField(k, g.Fields[k]); err != nil {
			return 0, err
		}
	}
	p, err := m.CreateFormFile("file", "a.png")
	if err == nil {
		_, err = p.Write(file)
	}
	if err == nil {
		err = m.Close()
	}
	if err != nil {
		return 0, err
	}
	res, err := l.client().Post(g.URL, m.FormDataContentType(), &body)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

// sendParts puts the parts, sometimes not all of them, and sometimes joins them without asking the product.
func (l *life) sendParts() error {
	if l.parts == nil || l.tooLate(l.parts.Expires) {
		return nil
	}
	for _, p := range l.parts.Parts {
		if l.luck.one(12) {
			continue
		}
		from := int64(p.Number-1) * l.parts.PartSize
		etag, ok, err := l.put(p.URL, l.file[from:from+l.parts.Length(p.Number)])
		if err != nil {
			return err
		}
		if ok {
			l.etags[p.Number] = etag
		}
	}
	if len(l.etags) == l.parts.Count && l.luck.one(5) {
		return l.join()
	}
	return nil
}

// put sends one part. ok is false where the upload has ended.
func (l *life) put(url string, part []byte) (etag string, ok bool, err error) {
	r, err := http.NewRequest(http.MethodPut, url, bytes.NewReader(part))
	if err != nil {
		return "", false, err
	}
	res, err := l.client().Do(r)
	if err != nil {
		return "", false, err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return "", false, err
	}
	switch res.StatusCode {
	case http.StatusOK:
		return strings.Trim(res.Header.Get("ETag"), `"`), true, nil
	case http.StatusNotFound:
		return "", false, nil
	}
	return "", false, fmt.Errorf("the bucket answered %d to a part", res.StatusCode)
}

// join completes the upload at the bucket, as a client with credentials of its own may: only the event tells the product.
func (l *life) join() error {
	ps := make([]blob.Part, l.parts.Count)
	for i := range ps {
		ps[i] = blob.Part{Number: i + 1, ETag: l.etags[i+1]}
	}
	src := l.last.Source()
	src.Generation = l.grantFor
	if _, err := l.real.CompleteParts(context.Background(), src.Key(), l.parts.Upload, ps, blob.PutOptions{}); err == nil {
		l.joined[l.grantFor] = true
	}
	return nil
}
