package bot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

// JoinQRCode fetches the QR code by which people join the corp, a PNG or JPEG of 399 by 399 pixels that WeCom accepts for seven days. It takes
// the secret of contact sync (通讯录同步), ClientConfig.Contacts. With an app's secret WeCom answers 48002.
// https://developer.work.weixin.qq.com/document/path/91714
func (c *Client) JoinQRCode(ctx context.Context) (picture []byte, err error) {
	const op = "corp/get_join_qrcode"
	var out struct {
		JoinQRCode string `json:"join_qrcode"`
	}
	if err := c.call(ctx, request{op: op, query: url.Values{"size_type": {"2"}}}, &out); err != nil {
		return nil, err
	}
	at, err := url.Parse(out.JoinQRCode)
	if err != nil || at.Host == "" || at.Scheme != "https" && at.Scheme != c.base.Scheme {
		return nil, &APIError{Op: op, cause: errors.New("the answer holds no address of a picture")}
	}
	resp, err := c.rest.R().SetContext(ctx).Get(out.JoinQRCode)
	if err != nil {
		return nil, &APIError{Op: op, cause: withoutAddress(err)} // the address lets people in
	}
	kind := http.DetectContentType(resp.Body())
	if resp.StatusCode() != http.StatusOK || !slices.Contains([]string{"image/png", "image/jpeg"}, kind) {
		return nil, &APIError{Op: op, cause: fmt.Errorf("HTTP status %d with %s instead of a picture", resp.StatusCode(), kind)}
	}
	return resp.Body(), nil
}
