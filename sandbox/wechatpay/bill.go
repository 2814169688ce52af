package wechatpay

import (
	"bytes"
	"compress/gzip"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// billFile waits five minutes for its download, as it was when it was applied for.
type billFile struct {
	content []byte
	gzipped bool
	until   time.Time
}

const (
	billLife = 5 * time.Minute
	billsAt  = 10 * time.Hour // when yesterday's bills are ready
	dayForm  = "2006-01-02"
)

// tradeBill makes the bill of one day's payments and refunds.
// https://pay.weixin.qq.com/doc/v3/merchant/4012556654
func (s *Server) tradeBill(c *call) (any, error) {
	kind, err := oneOf(c.Request, "bill_type", "ALL", "SUCCESS", "REFUND")
	if err != nil {
		return nil, err
	}
	return s.bill(c, func(day string) *table { return s.tradeTable(kind, day) })
}

// fundFlowBill makes the bill of one day's movements on the merchant's account. Only the BASIC account has any here.
// https://pay.weixin.qq.com/docs/merchant/products/bill-download/structure/fund-bill.html
func (s *Server) fundFlowBill(c *call) (any, error) {
	account, err := oneOf(c.Request, "account_type", "BASIC", "OPERATION", "FEES")
	if err != nil {
		return nil, err
	}
	return s.bill(c, func(day string) *table {
		if account != "BASIC" {
			return &table{}
		}
		return s.fundTable(day)
	})
}

// oneOf reads a query parameter whose default is the first value allowed.
func oneOf(r *http.Request, name string, allowed ...string) (string, error) {
	given := r.URL.Query().Get(name)
	if given == "" {
		return allowed[0], nil
	}
	for _, v := range allowed {
		if given == v {
			return v, nil
		}
	}
	return "", badQuery(name, given, "one of "+strings.Join(allowed, ", "))
}

// bill answers an application: a hash of the file and where to fetch it.
func (s *Server) bill(c *call, gather func(day string) *table) (any, error) {
	pack, err := oneOf(c.Request, "tar_type", "", "GZIP")
	if err != nil {
		return nil, err
	}
	date := c.URL.Query().Get("bill_date")
	day, err := time.ParseInLocation(dayForm, date, china)
	if err != nil {
		return nil, badQuery("bill_date", date, "must be yyyy-MM-dd")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	switch {
	case day.AddDate(0, 3, 0).Before(now.Truncate(time.Second)), day.After(now):
		return nil, fail("INVALID_REQUEST", "账单日期不在可下载的范围内")
	case s.cfg.BillsAtOnce:
	case now.Before(day.AddDate(0, 0, 1)):
		return nil, fail("NO_STATEMENT_EXIST", "账单文件不存在")
	case now.Before(day.AddDate(0, 0, 1).Add(billsAt)):
		return nil, fail("STATEMENT_CREATING", "账单生成中")
	}
	t := gather(date)
	t.spoil(c.fault.Kind)
	if len(t.rows) == 0 {
		return nil, fail("NO_STATEMENT_EXIST", "账单文件不存在")
	}
	content := t.text(c.fault.Kind)
	sum := sha1.Sum(content)
	if c.fault.Kind == FaultBillHash {
		sum[0] ^= 1
	}
	file := billFile{content: content, until: now.Add(billLife)}
	query := ""
	if pack == "GZIP" {
		file.gzipped, query = true, "&tartype=gzip"
		if file.content, err = zip(content); err != nil {
			return nil, err
		}
		if c.fault.Kind == FaultBillBomb {
			if file.content, err = bomb(); err != nil {
				return nil, err
			}
		}
	}
	if c.fault.Kind == FaultBillCut {
		file.content = file.content[:len(file.content)-min(20, len(file.content))]
	}
	token := s.letters(64)
	s.files[token] = file
	return struct {
		HashType    string `json:"hash_type"`
		HashValue   string `json:"hash_value"`
		DownloadURL string `json:"download_url"`
	}{"SHA1", hex.EncodeToString(sum[:]), s.cfg.APIURL + "/v3/billdownload/file?token=" + token + query}, nil
}

func zip(content []byte) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(content); err != nil {
		return nil, fmt.Errorf("wechatpay: compress a bill: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("wechatpay: compress a bill: %w", err)
	}
	return b.Bytes(), nil
}

// bomb is a megabyte of gzip members that unpack to a gigabyte.
func bomb() ([]byte, error) {
	part, err := zip(make([]byte, 16<<20))
	return bytes.Repeat(part, 64), err
}

// downloadBill sends a file once, without Wechatpay headers.
// https://pay.weixin.qq.com/doc/v3/merchant/4012084430
func (s *Server) downloadBill(c *call) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := c.URL.Query().Get("token")
	file, ok := s.files[token]
	delete(s.files, token)
	if !ok || !s.now().Before(file.until) {
		return nil, fail("INVALID_REQUEST", "token无效或已过期，请重新申请账单")
	}
	if file.gzipped {
		return stream{contentType: "application/x-gzip", content: file.content}, nil
	}
	return stream{contentType: "text/plain; charset=utf-8", content: file.content}, nil
}
