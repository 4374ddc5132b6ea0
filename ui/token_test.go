package ui

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"path"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"kioskd/internal/flow"
)

const testToken = "J4N2QX5ZB7TESTTOKENOFTHEDAY"

// knock asks for the WebSocket at a path; it returns what the server says, and the
// connection where there is one.
func (s *site) knock(path string, headers ...string) (int, string, *websocket.Conn) {
	s.t.Helper()
	header := http.Header{"Origin": {"http://" + s.addr}}
	for i := 0; i < len(headers); i += 2 {
		header.Set(headers[i], headers[i+1])
	}
	ws, resp, err := websocket.DefaultDialer.DialContext(s.t.Context(), "ws://"+s.addr+path, header)
	if err == nil {
		s.t.Cleanup(func() { _ = ws.Close() })
		return resp.StatusCode, "", ws
	}
	if resp == nil {
		s.t.Fatal(err)
	}
	said, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(said), nil
}

// Another user of this machine, or a page in another tab, can reach the port. It
// gets nothing of the visit.
func TestOnlyTheTokenOpensTheVisit(t *testing.T) {
	s := newGuardedSite(t, testToken, nil)
	for name, c := range map[string]struct {
		path    string
		headers []string
		reason  string
	}{
		"none":                   {"/ws", nil, "no_token"},
		"empty":                  {"/screen//ws", nil, "no_token"},
		"of another start":       {"/screen/A4N2QX5ZB7TESTTOKENOFTHEDAY/ws", nil, "no_token"},
		"part of it":             {"/screen/" + testToken[:20] + "/ws", nil, "no_token"},
		"as a header":            {"/ws", []string{"Authorization", "Bearer " + testToken}, "no_token"},
		"as a query":             {"/ws?token=" + testToken, nil, "no_token"},
		"another tab with it":    {"/screen/" + testToken + "/ws", []string{"Origin", "https://shop.example"}, "foreign_origin"},
		"a rebound name with it": {"/screen/" + testToken + "/ws", []string{"Host", "kiosk.example"}, "foreign_host"},
		"a token that is none":   {"/screen/screen/ws", nil, "no_token"},
	} {
		status, said, ws := s.knock(c.path, c.headers...)
		if ws != nil || status != http.StatusForbidden || !strings.Contains(said, c.reason) {
			t.Errorf("%s: status %d, %q, connected: %t; want 403 %s", name, status, said, ws != nil, c.reason)
		}
	}
	if got := s.get("/healthz"); got.status != http.StatusOK || strings.Contains(got.body, "step") {
		t.Errorf("/healthz tells a stranger where the visit stands: %d %s", got.status, got.body)
	}
	if got := s.get("/screen/wrong/healthz"); got.status != http.StatusOK || strings.Contains(got.body, "step") {
		t.Errorf("/healthz tells it under a wrong token: %d %s", got.status, got.body)
	}
	// The page itself is no secret: under a token of before it says to wait.
	if got, plain := s.get("/screen/wrong/"), s.get("/"); got.status != plain.status || got.body != plain.body {
		t.Errorf("the page under a wrong token: %d %s", got.status, got.body)
	}

	status, said, ws := s.knock(ScreenPath(testToken) + "ws")
	if ws == nil {
		t.Fatalf("the token opens nothing: %d %s", status, said)
	}
	b := &browser{t: t, ws: ws}
	b.at(flow.StepTop)
	if got := s.get(ScreenPath(testToken) + "healthz"); !strings.Contains(got.body, `"step":"top"`) {
		t.Errorf("/healthz with the token: %s", got.body)
	}
	for range 2 { // a reload keeps it
		page := s.get(ScreenPath(testToken))
		if plain := s.get("/"); page.status != plain.status || page.body != plain.body || page.header.Get("Cache-Control") != "no-store" {
			t.Errorf("the page under the token: %d %v", page.status, page.header)
		}
		if page.header.Get("Set-Cookie") != "" || page.header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("headers are %v", page.header)
		}
	}
}

func TestNoTokenIsAskedFor(t *testing.T) {
	s := newSite(t, nil)
	if ScreenPath("") != "/" {
		t.Errorf("the screen is at %s", ScreenPath(""))
	}
	s.open().at(flow.StepTop)
	if got := s.get("/healthz"); !strings.Contains(got.body, `"step":"top"`) {
		t.Errorf("/healthz: %s", got.body)
	}
}

// A flood by strangers is cut off, and takes nothing from the kiosk's browser.
func TestFloodOfRequests(t *testing.T) {
	s := newGuardedSite(t, testToken, nil)
	client := &http.Client{}
	defer client.CloseIdleConnections()
	ask := func(path string) int {
		resp, err := client.Get("http://" + s.addr + path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode == http.StatusTooManyRequests && resp.Header.Get("Retry-After") == "" {
			t.Error("it is not said when to come again")
		}
		return resp.StatusCode
	}
	served, refused := 0, 0
	for began := time.Now(); refused == 0; {
		for _, path := range []string{"/healthz", "/brand.css", "/brand/logo", "/", "/dock/api/state"} {
			if ask(path) == http.StatusTooManyRequests {
				refused++
			} else {
				served++
			}
		}
		if most := requestBurst + int(time.Since(began).Seconds()*requestsPerSecond) + 10; served > most {
			t.Fatalf("%d requests were served, at most %d should be", served, most)
		}
	}
	if status := ask(ScreenPath(testToken) + "healthz"); status != http.StatusOK {
		t.Errorf("the kiosk's browser is refused as well: %d", status)
	}
	if _, _, ws := s.knock(ScreenPath(testToken) + "ws"); ws == nil {
		t.Error("the kiosk's browser cannot open its WebSocket")
	}
}

// Whoever opens connections and says little or nothing is thrown out.
func TestSlowAndManyConnections(t *testing.T) {
	s := newGuardedSite(t, testToken, func(l *limits) {
		l.header, l.request, l.guests = 200*time.Millisecond, 200*time.Millisecond, 4
	})
	dial := func() net.Conn {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	ended := func(what string, conn net.Conn) {
		t.Helper()
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		_, err := io.Copy(io.Discard, conn)
		if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
			t.Errorf("%s: the connection stays open", what)
		}
	}
	for what, says := range map[string]string{
		"nothing": "", "half a header": "GET / HTTP/1.1\r\nHost: ",
		"half a body": "POST /healthz HTTP/1.1\r\nHost: " + s.addr + "\r\nContent-Length: 100\r\n\r\nx",
	} {
		conn := dial()
		if _, err := io.WriteString(conn, says); err != nil {
			t.Fatal(err)
		}
		ended(what, conn)
	}
	var many []net.Conn
	for range 12 {
		many = append(many, dial())
	}
	for _, conn := range many {
		ended("one of many", conn)
	}
	if got := s.get("/healthz"); got.status != http.StatusOK {
		t.Errorf("nobody is served any more: %d", got.status)
	}
}

// What the page could keep beyond a visit, it does not even name.
func TestThePageStoresNothing(t *testing.T) {
	storing := regexp.MustCompile(`localStorage|sessionStorage|indexedDB|serviceWorker|document\.cookie|cookieStore|\bcaches\b|showSaveFilePicker`)
	if !storing.MatchString("x=window.localStorage") || !storing.MatchString("caches.open") {
		t.Fatal("the pattern finds nothing")
	}
	files := 0
	err := fs.WalkDir(dist, "dist", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.Contains(".js .html .css", path.Ext(name)) {
			return err
		}
		content, err := dist.ReadFile(name)
		files++
		if at := storing.FindIndex(content); at != nil {
			t.Errorf("%s: …%s…", name, content[max(0, at[0]-60):min(len(content), at[1]+60)])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dist.ReadFile("dist/index.html"); err == nil && files < 3 {
		t.Errorf("only %d files were looked at", files)
	}
}
