package hub_test

import (
	"bytes"
	"crypto"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

// described is openapi.yaml, ready to be held against what the hub does.
type described struct {
	t        *testing.T
	doc      map[string]any
	compiler *jsonschema.Compiler
}

func describe(t *testing.T) *described {
	t.Helper()
	var doc map[string]any
	must(t, yaml.Unmarshal(hub.OpenAPI(), &doc))
	// Through JSON, so that the validator sees the types that it knows.
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(mustJSON(t, doc)))
	must(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.AssertContent()
	must(t, c.AddResource("openapi.json", v))
	return &described{t, v.(map[string]any), c}
}

func (d *described) valid(schema string, body []byte) error {
	d.t.Helper()
	s, err := d.compiler.Compile("openapi.json#/components/schemas/" + schema)
	must(d.t, err)
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

func (d *described) at(path ...string) any {
	var v any = d.doc
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[p]
	}
	return v
}

// TestSchemasHaveTheMembersOfTheTypes holds every Go type on the wire against
// its schema: the same members, and required are those that are never omitted.
func TestSchemasHaveTheMembersOfTheTypes(t *testing.T) {
	d := describe(t)
	types := map[string]reflect.Type{}
	for _, v := range []any{
		wire.Submission{}, wire.SignedAck{}, wire.AckBody{}, wire.Verdict{}, wire.Signed{}, wire.IssueStart{}, wire.IssueStarted{},
		wire.IssueResend{}, wire.IssueVerify{}, wire.IssueVerified{}, wire.IssueComplete{}, wire.Issued{}, wire.Lookup{},
		wire.Account{}, wire.Grant{}, wire.InquiryRequest{}, wire.Standing{}, wire.Report{}, wire.Problem{},
		wire.EnrolRequest{}, wire.Enrolled{}, wire.RenewRequest{}, wire.Renewed{}, wire.Desired{}, wire.AckKey{}, wire.LinkMessage{},
		wire.AuditBatch{}, wire.AuditEntry{}, wire.AuditAnswer{}, wire.AuditMark{},
	} {
		types[reflect.TypeOf(v).Name()] = reflect.TypeOf(v)
	}
	for name, raw := range d.at("components", "schemas").(map[string]any) {
		schema := raw.(map[string]any)
		if schema["type"] != "object" {
			continue
		}
		typ, ok := types[name]
		if !ok {
			t.Errorf("schema %s has no type", name)
			continue
		}
		delete(types, name)
		var members, required []string
		for f := range typ.Fields() {
			tag := strings.Split(f.Tag.Get("json"), ",")
			members = append(members, tag[0])
			if len(tag) == 1 {
				required = append(required, tag[0])
			}
		}
		var want []string
		for _, r := range schema["required"].([]any) {
			want = append(want, r.(string))
		}
		got := slices.Sorted(maps.Keys(schema["properties"].(map[string]any)))
		slices.Sort(members)
		slices.Sort(required)
		slices.Sort(want)
		if !slices.Equal(got, members) {
			t.Errorf("%s: described %v, the type has %v", name, got, members)
		}
		if !slices.Equal(want, required) {
			t.Errorf("%s: required %v, the type always writes %v", name, want, required)
		}
		if schema["additionalProperties"] != false {
			t.Errorf("%s is open to unknown members", name)
		}
	}
	for name := range types {
		t.Errorf("type %s is not described", name)
	}
}

// TestRoutesAreAsDescribed asks for every described operation, and for every
// other method on its path.
func TestRoutesAreAsDescribed(t *testing.T) {
	d := describe(t)
	k := newRig(t).kiosk("demo")
	paths := d.at("paths").(map[string]any)
	for path, ops := range paths {
		url := strings.ReplaceAll(path, "{id}", wire.NewSubmissionID())
		for _, method := range []string{"GET", "PUT", "POST", "DELETE", "PATCH"} {
			status, answer := k.send(method, url, []byte("{}"))
			_, described := ops.(map[string]any)[strings.ToLower(method)]
			if routed := status != http.StatusMethodNotAllowed && status != http.StatusNotFound; routed != described {
				t.Errorf("%s %s: described %v, answers %d", method, path, described, status)
			}
			if status >= 400 {
				if err := d.valid("Problem", answer); err != nil {
					t.Errorf("%s %s: %v", method, path, err)
				}
			}
		}
	}
	for _, p := range []string{
		wire.PathSubmissions + "{id}", wire.PathIssueStart, wire.PathIssueResend, wire.PathIssueVerify, wire.PathIssueComplete,
		wire.PathLookup, wire.PathInquiry, wire.PathReport, wire.PathAudit, hub.PathOpenAPI, wire.PathEnrol, wire.PathRenew, wire.PathDesired, wire.PathLink,
	} {
		if _, ok := paths[p]; !ok {
			t.Errorf("%s is not described", p)
		}
		delete(paths, p)
	}
	for p := range paths {
		t.Errorf("%s is described, but no path of the wire", p)
	}
}

// TestLiveAnswersFitTheDescription makes every call well and badly and holds
// request, status and answer against the description.
func TestLiveAnswersFitTheDescription(t *testing.T) {
	d := describe(t)
	k := newRig(t).kiosk("demo")
	taro := persona(t, "taro")
	seen := map[string]bool{}
	do := func(method, path, route string, in any, want int) []byte {
		t.Helper()
		body := mustJSON(t, in)
		status, answer := k.send(method, path, body)
		if status != want {
			t.Fatalf("%s %s: %d, not %d: %s", method, path, status, want, answer)
		}
		op := []string{"paths", route, strings.ToLower(method)}
		if err := d.valid(schemaName(d.at(append(op, "requestBody", "content", "application/json", "schema")...)), body); err != nil {
			t.Errorf("%s request: %v", route, err)
		}
		responses := d.at(append(op, "responses")...).(map[string]any)
		if status >= 400 {
			if responses["default"] == nil {
				t.Errorf("%s: no refusal is described", route)
			}
			if err := d.valid("Problem", answer); err != nil {
				t.Errorf("%s refusal: %v", route, err)
			}
			return answer
		}
		seen[route] = true
		key := fmt.Sprint(status)
		if responses[key] == nil {
			t.Fatalf("%s: %d is not described", route, status)
		}
		schema := schemaName(d.at(append(op, "responses", key, "content", "application/json", "schema")...))
		if schema == "" {
			if len(answer) != 0 {
				t.Errorf("%s: an answer where none is described", route)
			}
		} else if err := d.valid(schema, answer); err != nil {
			t.Errorf("%s answer: %v", route, err)
		}
		return answer
	}
	post := func(path string, in any, want int) []byte { t.Helper(); return do("POST", path, path, in, want) }
	put := func(s wire.Submission) wire.AckBody {
		t.Helper()
		var signed wire.SignedAck
		must(t, json.Unmarshal(do("PUT", wire.PathSubmissions+s.ID, wire.PathSubmissions+"{id}", s, 200), &signed))
		if err := d.valid("AckBody", signed.Body); err != nil {
			t.Errorf("acknowledgement: %v", err)
		}
		var b wire.AckBody
		must(t, json.Unmarshal(signed.Body, &b))
		return b
	}

	post(wire.PathIssueStart, startOf("4980000000000022", "09012345678"), 422)
	post(wire.PathIssueStart, startOf("4980000000000030", "09012345678"), 409)
	post(wire.PathIssueStart, startOf("4980000000000048", "09012345678"), 503)
	var st wire.IssueStarted
	must(t, json.Unmarshal(post(wire.PathIssueStart, startOf("4980000000000014", "09012345678"), 200), &st))
	post(wire.PathIssueResend, wire.IssueResend{RequestID: wire.NewNonce(), Session: st.Session}, 422)
	k.box.Forward(time.Minute)
	post(wire.PathIssueResend, wire.IssueResend{RequestID: wire.NewNonce(), Session: st.Session}, 200)
	sms, err := k.box.Messages(t.Context(), "", 1)
	must(t, err)
	post(wire.PathIssueVerify, wire.IssueVerify{RequestID: wire.NewNonce(), Session: st.Session, Code: "x"}, 422)
	post(wire.PathIssueVerify, wire.IssueVerify{RequestID: wire.NewNonce(), Session: st.Session, Code: sms[0].Code}, 200)
	post(wire.PathIssueComplete, wire.IssueComplete{RequestID: wire.NewNonce(), Session: st.Session, Password: "short"}, 400)
	post(wire.PathIssueComplete, wire.IssueComplete{RequestID: wire.NewNonce(), Session: "gone", Password: "abcd1234"}, 410)
	var issued wire.Issued
	must(t, json.Unmarshal(post(wire.PathIssueComplete,
		wire.IssueComplete{RequestID: wire.NewNonce(), Session: st.Session, Password: "abcd1234"}, 200), &issued))
	lookup := func(password string, want int) {
		t.Helper()
		post(wire.PathLookup, wire.Lookup{RequestID: wire.NewNonce(), Phone: "09012345678", Password: wire.Private(password)}, want)
	}
	lookup("wrong0000", 422)
	lookup("abcd1234", 200)
	a := wire.Application{Service: issued.Service, ServiceID: issued.ServiceID, Codes: issued.Codes, PhoneLast4: "5678", Terms: "1"}
	put(k.apply(taro, a))
	put(k.reserve(taro))
	if !put(k.apply(taro, a)).Verdict.Accepted {
		t.Error("not accepted")
	}
	k.box.Forward(25 * time.Hour)
	lookup("abcd1234", 200)
	inquiry := k.document(wire.Document{Kind: wire.KindInquiry, Inquiry: &wire.Inquiry{}})
	post(wire.PathInquiry, wire.NewInquiryRequest(taro.sign(inquiry)), 200)
	inquiry.Nonce = wire.NewNonce()
	post(wire.PathInquiry, wire.NewInquiryRequest(persona(t, "foreign").sign(inquiry)), 422)
	post(wire.PathReport, wire.Report{Version: "1", Screen: "top", Audit: &wire.AuditMark{Log: wire.NewSubmissionID(), N: 1}}, 204)
	post(wire.PathRenew, wire.RenewRequest{CSR: []byte{1}}, 400)
	post(wire.PathRenew, wire.RenewRequest{CSR: csrOf(t, k.pair.PrivateKey.(crypto.Signer))}, 200)
	enrol := wire.EnrolRequest{Token: []byte("0123456789"), CSR: csrOf(t, k.pair.PrivateKey.(crypto.Signer))}
	post(wire.PathEnrol, enrol, 403)
	code := k.invite("Store 1")
	_, enrolled := k.newcomer(t).enrol(code)
	if err := d.valid("Enrolled", enrolled); err != nil {
		t.Errorf("enrolled: %v", err)
	}
	seen[wire.PathEnrol] = true // over a connection of its own
	entry := wire.AuditEntry{N: 1, At: 1790000000, Event: "started", Subject: wire.NewSubmissionID()}
	entry.Hash = entry.Sum(wire.AuditStart())
	batch := wire.AuditBatch{Log: wire.NewSubmissionID(), Prior: wire.NewSubmissionID(), Prev: wire.AuditStart(), Head: 1, Entries: []wire.AuditEntry{entry}}
	post(wire.PathAudit, batch, 200)
	batch.Prev = entry.Hash
	post(wire.PathAudit, batch, 200) // a fork
	batch.Head = 1 << 40
	batch.Entries[0].N = 1 << 41
	post(wire.PathAudit, batch, 400)
	for range 4 {
		lookup("wrong0000", 422)
	}
	lookup("wrong0000", 429)
	for route, ops := range d.at("paths").(map[string]any) {
		if _, get := ops.(map[string]any)["get"]; !get && !seen[route] {
			t.Errorf("%s was not tried", route)
		}
	}
}

func schemaName(v any) string {
	m, _ := v.(map[string]any)
	ref, _ := m["$ref"].(string)
	return strings.TrimPrefix(ref, "#/components/schemas/")
}
