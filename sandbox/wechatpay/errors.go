package wechatpay

import (
	"errors"
	"net/http"
)

// What the payer's side can meet.
var (
	ErrUnknownOrder  = errors.New("wechatpay: no such order")
	ErrNotPayable    = errors.New("wechatpay: order is paid, closed or expired")
	ErrPrepayExpired = errors.New("wechatpay: prepay_id or code_url is older than two hours")
	ErrWrongPayer    = errors.New("wechatpay: 下单账号与支付账号不一致")
	ErrBadPaySign    = errors.New("wechatpay: 支付验证签名失败")
	ErrBadAmount     = errors.New("wechatpay: payer_total must be from 1 to the order's amount")
	ErrUnknownRefund = errors.New("wechatpay: no such refund")
	ErrBadRefund     = errors.New("wechatpay: refund cannot take that state or amount")
)

// apiError is an error body of the API, with its HTTP status.
type apiError struct {
	status   int
	code     string
	message  string
	detail   *errorDetail
	unsigned bool
}

type errorDetail struct {
	Field    string `json:"field,omitempty"` // JSON pointer for a body
	Value    string `json:"value,omitempty"`
	Issue    string `json:"issue,omitempty"`
	Location string `json:"location,omitempty"` // body, query, header or authorization
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

// statuses are the documented ones; a code that is not here answers 400.
var statuses = map[string]int{
	"USERPAYING":            http.StatusAccepted,
	"USER_PAYING":           http.StatusAccepted,
	"SIGN_ERROR":            http.StatusUnauthorized,
	"NO_AUTH":               http.StatusForbidden,
	"OUT_TRADE_NO_USED":     http.StatusForbidden,
	"RULE_LIMIT":            http.StatusForbidden,
	"TRADE_ERROR":           http.StatusForbidden,
	"NOT_ENOUGH":            http.StatusForbidden,
	"USER_ACCOUNT_ABNORMAL": http.StatusForbidden,
	"ORDER_NOT_EXIST":       http.StatusNotFound,
	"RESOURCE_NOT_EXISTS":   http.StatusNotFound,
	"FREQUENCY_LIMITED":     http.StatusTooManyRequests,
	"SYSTEM_ERROR":          http.StatusInternalServerError,
	"BANK_ERROR":            http.StatusInternalServerError,
	"OPENID_MISMATCH":       http.StatusInternalServerError,
	"INVALID_TRANSACTIONID": http.StatusInternalServerError,
}

// fail makes an error with the status that belongs to its code.
func fail(code, message string) *apiError {
	status := statuses[code]
	if status == 0 {
		status = http.StatusBadRequest
	}
	return &apiError{status: status, code: code, message: message}
}

// badField is PARAM_ERROR about one field of the body, named by its JSON pointer.
func badField(pointer, value, issue string) *apiError {
	e := fail("PARAM_ERROR", "参数错误")
	e.detail = &errorDetail{Field: pointer, Value: value, Issue: issue, Location: "body"}
	return e
}

// badQuery is PARAM_ERROR about one query or path parameter.
func badQuery(name, value, issue string) *apiError {
	e := fail("PARAM_ERROR", "参数错误")
	e.detail = &errorDetail{Field: name, Value: value, Issue: issue, Location: "query"}
	return e
}
