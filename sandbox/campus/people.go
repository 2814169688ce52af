package campus

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"

	"xiaoka/sandbox/wecom"
)

// Person is one made-up member of the university, as `xiaoka people import` learns of them.
type Person struct {
	StudentNo  string `json:"student_no"`
	Name       string `json:"name"`
	CardNo     string `json:"card_no"`
	Email      string `json:"email"`
	Phone      string `json:"-"`
	Type       string `json:"type"` // student or staff
	Department string `json:"department"`
	UserID     string `json:"user_id"`
	OpeningFen int64  `json:"opening_fen"` // on the chip when the card was handed out

	// Quirk is what is unusual about the person's phone: QuirkNoOpenID, QuirkWeChatOnly, or nothing.
	Quirk string `json:"quirk,omitempty"`
}

// The quirks. The third person has the first and the fourth has the second, so that both can always be tried.
const (
	QuirkNoOpenID   = "no_openid"   // never logged in to WeCom with WeChat: convert_to_openid answers 43004
	QuirkWeChatOnly = "wechat_only" // reads WeCom's messages inside WeChat, which shows no template cards
)

const (
	surnames = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
	firsts   = "子雨思晓佳梓一欣文俊志嘉诗宇浩明雅静婉海天云若清亦书景知安怡可心语乐承"
	seconds  = "轩涵彤悦宁航博远辰琪萱妍睿然卓敏洋帆舟溪琳阳晨逸凡熙芸芮瑶桐越澜鸣谦" // never one that makes a bad pair
	domain   = "xiaoka.example"
)

var departments = []string{
	"信息科学与技术学院", "物质科学与技术学院", "生命科学与技术学院", "创意与艺术学院", "创业与管理学院", "数学科学研究所", "人文科学研究院",
}

var offices = []string{"图书信息中心", "教学事务处", "学生事务处", "资产与后勤处", "财务处"}

// MakePeople makes n people, the same ones each time. The first is the demo student 张小卡 with ¥12.50; nobody shares a
// name, number, address or phone with another, and all addresses end in a domain that cannot exist.
func MakePeople(n int) []Person {
	rng := rand.New(rand.NewPCG(2016, 11)) // any fixed seed: screenshots and tests stay comparable
	pick := func(from string) string { r := []rune(from); return string(r[rng.IntN(len(r))]) }
	people := make([]Person, 0, n)
	names := map[string]bool{"张小卡": true}
	for i := range n {
		name := "张小卡"
		for attempt := 0; i > 0 && names[name]; attempt++ {
			name = pick(surnames) + pick(firsts) + pick(seconds)
			if attempt > 50 {
				name += pick(firsts) // a campus so large that the names run out
			}
		}
		names[name] = true
		p := Person{Name: name, CardNo: fmt.Sprintf("8%07d", 10001+i), Phone: fmt.Sprintf("1990%07d", 1000+i)}
		if i%10 == 9 {
			p.Type, p.Department = "staff", offices[rng.IntN(len(offices))]
			p.StudentNo = fmt.Sprintf("10%04d", 101+i)
		} else {
			p.Type, p.Department = "student", departments[rng.IntN(len(departments))]
			p.StudentNo = fmt.Sprintf("%d%06d", 2022+rng.IntN(4), 533001+i)
		}
		p.OpeningFen = 50 * int64(rng.IntN(400))
		if i == 0 {
			p.StudentNo, p.Department, p.OpeningFen = "2025533001", departments[0], 1250
		}
		p.UserID = p.StudentNo
		p.Email = p.StudentNo + "@" + domain
		p.Quirk = quirk(i)
		people = append(people, p)
	}
	return people
}

func quirk(i int) string {
	switch i {
	case 2:
		return QuirkNoOpenID
	case 3:
		return QuirkWeChatOnly
	}
	return ""
}

var columns = []string{
	"student_no", "name", "card_no", "email", "phone", "type", "department", "wecom_userid", "query_password", "opening_balance",
}

// WriteCSV writes what `xiaoka people import` reads. Query passwords stay empty: everybody begins with 123456.
func WriteCSV(w io.Writer, people []Person) error {
	out := csv.NewWriter(w)
	if err := out.Write(columns); err != nil {
		return err
	}
	for _, p := range people {
		row := []string{p.StudentNo, p.Name, p.CardNo, p.Email, p.Phone, p.Type, p.Department, p.UserID, "", yuan(p.OpeningFen)}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// ReadCSV reads such a file back when a campus is continued.
func ReadCSV(r io.Reader) ([]Person, error) {
	in := csv.NewReader(r)
	header, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("campus: people: %w", err)
	}
	if strings.Join(header, ",") != strings.Join(columns, ",") {
		return nil, errors.New("campus: people: these are not the columns that the sandbox wrote")
	}
	rows, err := in.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("campus: people: %w", err)
	}
	people := make([]Person, len(rows))
	for i, row := range rows {
		fen, err := fen(row[9])
		if err != nil {
			return nil, fmt.Errorf("campus: people: row %d: %w", i+2, err)
		}
		people[i] = Person{
			StudentNo: row[0], Name: row[1], CardNo: row[2], Email: row[3], Phone: row[4], Type: row[5], Department: row[6],
			UserID: row[7], OpeningFen: fen, Quirk: quirk(i),
		}
	}
	return people, nil
}

func yuan(fen int64) string { return fmt.Sprintf("%d.%02d", fen/100, fen%100) }

func fen(yuan string) (int64, error) {
	whole, cents, ok := strings.Cut(yuan, ".")
	if !ok || len(cents) != 2 {
		return 0, fmt.Errorf("opening balance %q is not like 12.50", yuan)
	}
	n, err := strconv.ParseInt(whole+cents, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("opening balance %q is not like 12.50", yuan)
	}
	return n, nil
}

// member is the person as WeCom knows them.
func (p Person) member(corpID string) wecom.Member {
	m := wecom.Member{UserID: p.UserID, Name: p.Name, Mobile: p.Phone, Email: p.Email, WeChatOnly: p.Quirk == QuirkWeChatOnly}
	if p.Quirk != QuirkNoOpenID {
		m.OpenID = openID(corpID, p.UserID)
	}
	return m
}

// openID is the same for a person as long as the corp lives, as WeChat's is.
func openID(corpID, userID string) string {
	sum := sha256.Sum256([]byte(corpID + "/" + userID))
	return "oXK" + base64.RawURLEncoding.EncodeToString(sum[:])[:25]
}
