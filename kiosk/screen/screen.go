// Package screen is the self-service machine's own screen: one static page
// with its style sheet and scripts, for a touch screen that stands up or lies
// down. The machine's bridge serves it, and the server too. It knows no secret
// and asks nobody but the bridge it came from, under /kiosk/bridge/; without
// one, as on the server, it says so and does no more. What is on a card and
// what is owed it only shows. Its clock is that of the campus, whatever zone the
// machine was set up in.
package screen

import (
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"time"
)

//go:embed static
var files embed.FS

// policy lets the page load and ask nothing but what it came with.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Handler serves the page and what belongs to it under /kiosk/, to GET and
// HEAD. The zone has an IANA name, which browsers know too; the page reads it
// as the script zone.js.
func Handler(zone *time.Location) http.Handler {
	static, err := fs.Sub(files, "static")
	if err != nil {
		return http.NotFoundHandler() // cannot be: it is embedded
	}
	server := http.StripPrefix("/kiosk/", http.FileServerFS(static))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-cache")
		if r.URL.Path == "/kiosk/zone.js" {
			h.Set("Content-Type", "text/javascript; charset=utf-8")
			fmt.Fprintf(w, "export const zone = %q;\n", zone)
			return
		}
		server.ServeHTTP(w, r)
	})
}
