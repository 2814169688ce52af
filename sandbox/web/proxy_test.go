package web

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// TestProxy_FastAnswer: an answer that begins the moment the product has the
// form arrives whole. The form follows the header, as most clients send it.
func TestProxy_FastAnswer(t *testing.T) {
	t.Parallel()
	want := strings.Repeat("x", 8<<10)
	product := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.CopyN(io.Discard, r.Body, r.ContentLength)
		io.WriteString(w, want)
	}))
	defer product.Close()
	address, err := url.Parse(product.URL)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(newProxy(Config{Product: address, PublicURL: product.URL, Log: slog.New(slog.DiscardHandler)}, nil))
	defer front.Close()
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for range 500 {
				body, late := io.Pipe()
				request, _ := http.NewRequest(http.MethodPost, front.URL+"/pos/v1/claims", body)
				request.ContentLength = 7
				go func() { late.Write([]byte(`{"a":1}`)); late.Close() }()
				answer, err := http.DefaultClient.Do(request)
				if err != nil {
					t.Error(err)
					return
				}
				got, err := io.ReadAll(answer.Body)
				answer.Body.Close()
				if err != nil || string(got) != want {
					t.Errorf("status %d, %d bytes, %v", answer.StatusCode, len(got), err)
					return
				}
			}
		})
	}
	callers.Wait()
}
