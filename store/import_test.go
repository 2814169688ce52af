package store_test

import (
	"context"
	"errors"
	"testing"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

func TestStore_ImportPerson(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	row := ledger.PersonRow{StudentNo: "1", Name: "张三", CardNo: "C1", Email: "a@b.example", UserID: "ZhangSan", OpeningBalance: 1250}
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		put := func(r ledger.PersonRow, dry bool) (bool, error) { return s.ImportPerson(ctx, r, noon, dry) }
		if created, err := put(row, true); err != nil || !created {
			t.Fatalf("dry run = %v, %v", created, err)
		}
		if _, err := s.PersonByStudentNo(ctx, "1"); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("a dry run left a person: %v", err)
		}
		if created, err := put(row, false); err != nil || !created {
			t.Fatalf("import = %v, %v", created, err)
		}
		p, err := s.PersonByUserID(ctx, "ZHANGSAN")
		if err != nil || p.UserID != "zhangsan" || p.CardNo != "C1" {
			t.Fatalf("PersonByUserID = %+v, %v", p, err)
		}
		balance(t, s, p, 1250, 0, 0)

		again := row
		again.Name, again.Email, again.OpeningBalance = "", "new@b.example", 9999
		if created, err := put(again, false); err != nil || created {
			t.Fatalf("second import = %v, %v", created, err)
		}
		if p, _ = s.PersonByStudentNo(ctx, "1"); p.Name != "张三" || p.Email != "new@b.example" {
			t.Errorf("after the second import: %+v", p)
		}
		balance(t, s, p, 1250, 0, 0)
		if created, err := put(again, false); err != nil || created {
			t.Fatalf("third import = %v, %v", created, err)
		}
		if got, err := s.AuditOfCard(ctx, "C1", 10); err != nil || len(got) != 1 || got[0].Actor != "operator" || got[0].Action != "record_changed" ||
			got[0].Detail != "import: email" || got[0].PersonID != p.ID || !got[0].At.Equal(noon) {
			t.Errorf("the audit log has %+v, %v; want the changed address once", got, err)
		}

		if _, err := put(ledger.PersonRow{StudentNo: "2", Name: "李四", CardNo: "C1"}, false); !errors.Is(err, store.ErrRowConflict) {
			t.Errorf("somebody else's card: %v", err)
		}
		if _, err := put(ledger.PersonRow{StudentNo: p.StudentNo, CardNo: "C9"}, false); !errors.Is(err, store.ErrOtherCard) {
			t.Errorf("another card of one person: %v", err)
		}
		if _, err := put(ledger.PersonRow{StudentNo: "2", Name: "李四", UserID: "zhangSAN"}, false); !errors.Is(err, store.ErrRowConflict) {
			t.Errorf("somebody else's userid: %v", err)
		}
		if _, err := put(ledger.PersonRow{StudentNo: "2"}, false); !errors.Is(err, store.ErrNoName) {
			t.Errorf("no name: %v", err)
		}
		if _, err := s.PersonByStudentNo(ctx, "2"); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("a refused row left a person: %v", err)
		}

		if err := s.MarkVerified(ctx, p.ID, noon); err != nil {
			t.Fatal(err)
		}
		moved := row
		moved.UserID = "zs2"
		if _, err := put(moved, false); err != nil {
			t.Fatal(err)
		}
		if p, _ = s.PersonByStudentNo(ctx, "1"); p.Verified() || p.UserID != "zs2" {
			t.Errorf("what the old member proved carries over to the new one: %+v", p)
		}
		proven(t, s)
	})
}
