package console

import (
	"math"
	"net/url"
	"strconv"
)

// pager is where a page of a list stands among the others.
type pager struct {
	Total      int
	From, To   int
	Prev, Next string // links; "" = none
}

// pagerOf is of n rows from offset on; link gives the page that is by so many further.
func pagerOf(offset, n, total int, link func(by int) string) pager {
	p := pager{Total: total, From: offset + 1, To: offset + n}
	if offset > 0 {
		p.Prev = link(-1)
	}
	if p.To < total {
		p.Next = link(1)
	}
	return p
}

// linkTo is another page of a list, with the same filter.
func linkTo(path string, q url.Values, at int, filter ...string) string {
	next := url.Values{}
	for _, k := range filter {
		if v := q.Get(k); v != "" {
			next.Set(k, v)
		}
	}
	next.Set("page", strconv.Itoa(at))
	return path + "?" + next.Encode()
}

// pageOf reads which page is asked for; what does not parse is the first.
func pageOf(q url.Values) int {
	at, err := strconv.Atoi(q.Get("page"))
	if err != nil || at < 1 || at > math.MaxInt32 {
		return 1
	}
	return at
}

// sizeOf reads how many rows somebody wants as JSON.
func sizeOf(q url.Values) int {
	if n, err := strconv.Atoi(q.Get("limit")); err == nil && n > 0 && n <= 1000 {
		return n
	}
	return pageSize
}
