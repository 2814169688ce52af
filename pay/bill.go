package pay

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/consts"
)

// Limits of one bill. A row has some 300 bytes, so 800,000 payments a day
// fit; a file beyond is refused and not cut.
const (
	maxBill     = 64 << 20  // as it travels
	maxUnpacked = 256 << 20 // as it is read
	maxRow      = 64 << 10
	billTime    = 5 * time.Minute // the download address lives no longer
	billTries   = 3
)

var (
	// ErrNoBill: WeChat Pay has no bill of the day: there was no payment and no
	// refund, or it is too early.
	ErrNoBill = errors.New("WeChat Pay has no bill of that day")
	// ErrBillNotReady: bills are ready from 10:00 Beijing time of the next day.
	ErrBillNotReady = errors.New("WeChat Pay is still making the bill: bills are ready from 10:00 of the next day")
	// ErrBadBill: the file was refused as a whole: cut, not what its hash says,
	// a row twice, or totals that are not those of its rows.
	ErrBadBill = errors.New("the bill is refused")
)

// billFile is a verified bill on disk.
type billFile struct{ *os.File }

// Close takes it off the disk.
func (f billFile) Close() {
	_ = f.File.Close()
	_ = os.Remove(f.Name())
}

// bill applies for a bill, downloads it and returns it at its start once its
// hash fits and check has read it through. A file that is refused is applied
// for again: its address works once. query is the part of the address after
// /v3/bill/. ErrNoBill, ErrBillNotReady, ErrBadBill.
//
// https://pay.weixin.qq.com/doc/v3/merchant/4012556654 and …/4012084430
func (m *Merchant) bill(ctx context.Context, query string, check func(io.Reader) error) (billFile, error) {
	for try := 1; ; try++ {
		file, err := m.oneBill(ctx, query, check)
		wait := 200 * time.Millisecond
		if failed(err, busy) {
			wait = 1100 * time.Millisecond // bills are limited by the second
		}
		switch {
		case failed(err, noStatement):
			return file, ErrNoBill
		case failed(err, notReady):
			return file, ErrBillNotReady
		case err == nil || try == billTries || errors.Is(err, errTooLarge):
			return file, err
		case !(errors.Is(err, ErrBadBill) || failed(err, unknownResult, busy)) || !pause(ctx, wait):
			return file, err
		}
		m.cfg.Log.WarnContext(ctx, "bill is applied for again", "bill", query, "err", err)
	}
}

func (m *Merchant) oneBill(ctx context.Context, query string, check func(io.Reader) error) (kept billFile, err error) {
	result, err := m.client.Get(ctx, consts.WechatPayAPIServer+"/v3/bill/"+query+"&tar_type=GZIP")
	if err != nil {
		return kept, newCallError("bill", err)
	}
	var applied struct {
		HashType    string `json:"hash_type"`
		HashValue   string `json:"hash_value"`
		DownloadURL string `json:"download_url"`
	}
	err = json.NewDecoder(result.Response.Body).Decode(&applied)
	_ = result.Response.Body.Close()
	if err != nil || applied.HashType != "SHA1" || len(applied.HashValue) != 2*sha1.Size {
		return kept, newCallError("bill", errors.New("answer without a SHA-1"))
	}
	file, err := os.CreateTemp("", "xiaoka-bill-*")
	if err != nil {
		return kept, fmt.Errorf("keep the bill: %w", err)
	}
	defer func() {
		if err != nil {
			billFile{file}.Close()
		}
	}()
	sum, err := m.fetch(ctx, applied.DownloadURL, file)
	if err == nil && !strings.EqualFold(sum, applied.HashValue) {
		err = fmt.Errorf("%w: its SHA-1 is not the one WeChat Pay gave", ErrBadBill)
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err == nil {
		err = check(file)
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	return billFile{file}, err
}

// fetch streams a file into keep, unpacked, and returns the SHA-1 of what it
// wrote. The answer carries no signature; the hash that was signed stands for
// it.
func (m *Merchant) fetch(ctx context.Context, address string, keep io.Writer) (sum string, err error) {
	if u, err := url.Parse(address); err != nil || u.Host == "" {
		return "", newCallError("bill download", errors.New("answer without an address"))
	}
	result, err := m.files.Get(ctx, address)
	if err != nil {
		// An address that was used or has expired is 400: applying again helps.
		if api := new(core.APIError); errors.As(err, &api) && api.StatusCode == http.StatusBadRequest {
			return "", fmt.Errorf("%w: it cannot be downloaded: %w", ErrBadBill, newCallError("bill download", err))
		}
		return "", newCallError("bill download", err)
	}
	defer result.Response.Body.Close()
	plain, err := unpack(result.Response.Body)
	if err != nil {
		return "", err
	}
	hash := sha1.New()
	n, err := io.Copy(io.MultiWriter(keep, hash), io.LimitReader(plain, maxUnpacked+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("%w: it is cut or damaged: %w", ErrBadBill, err)
	case n > maxUnpacked:
		return "", fmt.Errorf("%w: it unpacks to more than %d MiB: %w", ErrBadBill, maxUnpacked>>20, errTooLarge)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// unpack reads gzip, and plain text where something on the way has unpacked it.
func unpack(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	if magic, _ := b.Peek(2); len(magic) < 2 || magic[0] != 0x1f || magic[1] != 0x8b {
		return b, nil
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadBill, err)
	}
	return z, nil
}
