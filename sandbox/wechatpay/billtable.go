package wechatpay

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// table is a bill before it becomes text. Values are keyed by their column's header.
type table struct {
	columns []string
	rows    []map[string]string
	totals  []string // headers of the summary
	sum     func(rows []map[string]string) []string
}

// The columns of a trade bill.
// https://pay.weixin.qq.com/docs/merchant/products/bill-download/format-trade.html
const (
	commonColumns  = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额"
	refundColumns  = "微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态"
	nameColumns    = "商品名称,商户数据包,手续费,费率,订单金额"
	allColumns     = commonColumns + "," + refundColumns + "," + nameColumns + ",申请退款金额,费率备注"
	successColumns = commonColumns + "," + nameColumns + ",费率备注"
	onlyRefunds    = commonColumns + ",退款申请时间,退款成功时间," + refundColumns + "," + nameColumns + ",申请退款金额,费率备注"
	allTotals      = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
	successTotals  = "总交易单数,应结订单总金额,手续费总金额,订单总金额"
	fundColumns    = "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号"
	fundTotals     = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"
)

// feePerFen is the fee, 0.6 %, in the bill's own unit of 10⁻⁵ yuan, of which a fen has a thousand.
const feePerFen = 6

// wholeFee is the fee as it is taken from the account, in fen, rounded half up.
func wholeFee(fen int64) int64 { return (fen*feePerFen + 500) / 1000 }

const billTime = "2006-01-02 15:04:05"

// tradeTable gathers a day's payments by success time and refunds by the time they were accepted. It needs s.mu.
func (s *Server) tradeTable(kind, day string) *table {
	t := &table{columns: strings.Split(allColumns, ","), totals: strings.Split(allTotals, ",")}
	switch kind {
	case "SUCCESS":
		t.columns, t.totals = strings.Split(successColumns, ","), strings.Split(successTotals, ",")
	case "REFUND":
		t.columns = strings.Split(onlyRefunds, ",")
	}
	for _, o := range s.sequence {
		if kind != "REFUND" && o.TransactionID != "" && o.PaidAt.Format(dayForm) == day {
			t.rows = append(t.rows, s.paymentRow(o))
		}
		if kind == "SUCCESS" {
			continue
		}
		for _, r := range o.refunds {
			if r.CreatedAt.Format(dayForm) == day {
				t.rows = append(t.rows, s.refundRow(r))
			}
		}
	}
	slices.SortStableFunc(t.rows, func(a, b map[string]string) int { return strings.Compare(a["交易时间"], b["交易时间"]) })
	t.sum = func(rows []map[string]string) []string { return sumTrade(t.totals, rows) }
	return t
}

func (s *Server) paymentRow(o *order) map[string]string {
	return map[string]string{
		"交易时间": o.PaidAt.Format(billTime), "公众账号ID": s.cfg.AppID, "商户号": s.cfg.MchID, "特约商户号": "0",
		"微信订单号": o.TransactionID, "商户订单号": o.OutTradeNo, "用户标识": o.PayerOpenID, "交易类型": o.TradeType, "交易状态": "SUCCESS",
		"付款银行": o.bankType, "货币种类": "CNY", "应结订单金额": yuan(o.PayerTotalFen), "代金券金额": yuan(o.TotalFen - o.PayerTotalFen),
		"微信退款单号": "0", "商户退款单号": "0", "退款金额": "0.00", "充值券退款金额": "0.00",
		"商品名称": o.Description, "商户数据包": o.Attach, "手续费": feeYuan(o.PayerTotalFen * feePerFen), "费率": "0.60%",
		"订单金额": yuan(o.TotalFen), "申请退款金额": "0.00",
	}
}

func (s *Server) refundRow(r *refund) map[string]string {
	row := s.paymentRow(r.order)
	maps.Copy(row, map[string]string{
		"交易时间": r.CreatedAt.Format(billTime), "交易状态": "REFUND", "应结订单金额": "0.00", "代金券金额": "0.00",
		"微信退款单号": r.RefundID, "商户退款单号": r.OutRefundNo, "退款金额": yuan(r.payerRefund()), "退款类型": "ORIGINAL", "退款状态": r.Status,
		"手续费": feeYuan(-r.payerRefund() * feePerFen), "订单金额": "0.00", "申请退款金额": yuan(r.RefundFen),
		"退款申请时间": r.CreatedAt.Format(billTime),
	})
	if !r.SuccessAt.IsZero() {
		row["退款成功时间"] = r.SuccessAt.Format(billTime)
	}
	return row
}

// sumTrade adds up the rows under each total's column.
func sumTrade(totals []string, rows []map[string]string) []string {
	column := map[string]string{
		"应结订单总金额": "应结订单金额", "退款总金额": "退款金额", "充值券退款总金额": "充值券退款金额", "订单总金额": "订单金额", "申请退款总金额": "申请退款金额",
	}
	values := make([]string, len(totals))
	for i, total := range totals {
		switch total {
		case "总交易单数":
			values[i] = fmt.Sprint(len(rows))
		case "手续费总金额":
			values[i] = feeYuan(add(rows, "手续费"))
		default:
			values[i] = yuan(add(rows, column[total]))
		}
	}
	return values
}

// add sums a column in units of its last decimal.
func add(rows []map[string]string, column string) int64 {
	var sum int64
	for _, row := range rows {
		sum += units(row[column])
	}
	return sum
}

// units reads a decimal of this file's own making: "-12.30" is -1230.
func units(decimal string) int64 {
	var n int64
	for _, c := range decimal {
		if '0' <= c && c <= '9' {
			n = n*10 + int64(c-'0')
		}
	}
	if strings.HasPrefix(decimal, "-") {
		return -n
	}
	return n
}

// yuan writes fen with two decimals.
func yuan(fen int64) string { return decimal(fen, 100, 2) }

// feeYuan writes 10⁻⁵ yuan with five decimals.
func feeYuan(units int64) string { return decimal(units, 100_000, 5) }

func decimal(n, one int64, places int) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d.%0*d", sign, n/one, places, n%one)
}

// fundTable lists the movements of a day: payments, their fees, and refunds less the fee that comes back with them. It
// needs s.mu.
func (s *Server) fundTable(day string) *table {
	type movement struct {
		at                 time.Time
		id, voucher, label string
		fen                int64
	}
	var all []movement
	for _, o := range s.sequence {
		if o.TransactionID == "" {
			continue
		}
		all = append(all, movement{o.PaidAt, o.TransactionID, o.OutTradeNo, "交易", o.PayerTotalFen})
		if fee := wholeFee(o.PayerTotalFen); fee > 0 {
			all = append(all, movement{o.PaidAt, o.TransactionID, o.OutTradeNo, "扣除交易手续费", -fee})
		}
		for _, r := range o.refunds {
			if r.Status != "CLOSED" {
				back := r.payerRefund()
				all = append(all, movement{r.CreatedAt, r.RefundID, r.OutRefundNo, "退款", wholeFee(back) - back})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b movement) int { return a.at.Compare(b.at) })
	t := &table{columns: strings.Split(fundColumns, ","), totals: strings.Split(fundTotals, ",")}
	var balance, in, out, ins, outs int64
	for i, m := range all {
		balance += m.fen
		if m.at.Format(dayForm) != day {
			continue
		}
		direction, fen := "收入", m.fen
		if m.fen < 0 {
			direction, fen = "支出", -m.fen
			outs, out = outs+1, out+fen
		} else {
			ins, in = ins+1, in+fen
		}
		t.rows = append(t.rows, map[string]string{
			"记账时间": m.at.Format(billTime), "微信支付业务单号": m.id, "资金流水单号": fmt.Sprintf("%s%06d", m.at.Format("20060102"), i+1),
			"业务名称": m.label, "业务类型": m.label, "收支类型": direction, "收支金额(元)": yuan(fen), "账户结余(元)": yuan(balance),
			"资金变更提交申请人": "system", "业务凭证号": m.voucher,
		})
	}
	t.sum = func([]map[string]string) []string {
		return []string{fmt.Sprintf("%d.0", ins+outs), fmt.Sprintf("%d.0", ins), yuan(in), fmt.Sprintf("%d.0", outs), yuan(out)}
	}
	return t
}

// spoil changes what the bill says, for the faults that do.
func (t *table) spoil(kind Kind) {
	if len(t.rows) == 0 {
		return
	}
	switch kind {
	case FaultBillExtra:
		row := maps.Clone(t.rows[0])
		row["微信订单号"], row["商户订单号"] = "4200000001000000000000000000", unheardOf(row["商户订单号"])
		t.rows = append(t.rows, row)
	case FaultBillMiss:
		t.rows = slices.Delete(t.rows, 0, 1)
	case FaultBillTwice:
		t.rows = append(t.rows, t.rows[0])
	case FaultBillWrong:
		t.rows[0]["订单金额"] = yuan(units(t.rows[0]["订单金额"]) + 1)
	case FaultBillOrder:
		t.columns = append([]string{"新增列"}, t.columns...)
		slices.Reverse(t.columns[1:])
	}
}

// unheardOf makes a number of the same form that the merchant never used.
func unheardOf(outTradeNo string) string {
	order, _, _ := strings.Cut(outTradeNo, "-")
	last := "Z"
	if strings.HasSuffix(order, last) {
		last = "Y"
	}
	return order[:len(order)-1] + last
}

// text writes the file: headers plain, every value behind a backtick, nothing quoted.
func (t *table) text(kind Kind) []byte {
	end := "\n"
	if kind == FaultBillCRLF {
		end = "\r\n"
	}
	var b strings.Builder
	if kind == FaultBillBOM {
		b.WriteString("\ufeff")
	}
	line := func(values []string, mark string) {
		b.WriteString(mark + strings.Join(values, ","+mark) + end)
	}
	line(t.columns, "")
	for _, row := range t.rows {
		values := make([]string, len(t.columns))
		for i, column := range t.columns {
			values[i] = row[column]
		}
		line(values, "`")
	}
	line(t.totals, "")
	line(t.sum(t.rows), "`")
	return []byte(b.String())
}
