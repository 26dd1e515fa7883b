package engine

import (
	"net/netip"
	"strings"

	"github.com/gannet-io/gannet/internal/http1"
)

// forwarded reads what a trusted proxy says about its client. The address is
// the last one of X-Forwarded-For that is not itself trusted: everything in
// front of it was written by the client.
func forwarded(req *http1.Request, remote netip.AddrPort, secure bool, trusts func(netip.Addr) bool) (netip.AddrPort, bool) {
	if proto := req.Get("X-Forwarded-Proto"); proto != nil {
		secure = strings.EqualFold(strings.TrimSpace(lastItem(string(proto))), "https")
	}
	list := joined(req, "X-Forwarded-For")
	for list != "" {
		item := strings.TrimSpace(lastItem(list))
		list = list[:max(strings.LastIndexByte(list, ','), 0)]
		addr, ok := parseForwarded(item)
		if !ok {
			break
		}
		remote = addr
		if !trusts(addr.Addr()) {
			break
		}
	}
	return remote, secure
}

// joined returns all values of a header as one list.
func joined(req *http1.Request, name string) string {
	var all []string
	for i := range req.Headers {
		if strings.EqualFold(borrow(req.Headers[i].Name), name) {
			all = append(all, string(req.Headers[i].Value))
		}
	}
	return strings.Join(all, ",")
}

func lastItem(list string) string {
	return list[strings.LastIndexByte(list, ',')+1:]
}

// parseForwarded reads an address with or without a port.
func parseForwarded(item string) (netip.AddrPort, bool) {
	if ap, err := netip.ParseAddrPort(item); err == nil {
		return ap, true
	}
	addr, err := netip.ParseAddr(strings.Trim(item, "[]"))
	return netip.AddrPortFrom(addr, 0), err == nil
}
