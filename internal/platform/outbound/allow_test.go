package outbound

import (
	"net/netip"
	"testing"
)

func TestD8SSRFAddressesThatArePublicAndNot(t *testing.T) {
	for ip, want := range map[string]struct{ nobody, loopback, private bool }{
		"1.1.1.1":                {true, true, true},
		"2606:4700:4700::1111":   {true, true, true},
		"64:ff9b::101:101":       {true, true, true}, // NAT64 of 1.1.1.1
		"127.0.0.1":              {false, true, false},
		"127.255.255.254":        {false, true, false},
		"::1":                    {false, true, false},
		"::ffff:127.0.0.1":       {false, true, false},
		"64:ff9b::7f00:1":        {false, true, false},
		"10.0.0.1":               {false, false, true},
		"172.31.255.255":         {false, false, true},
		"192.168.1.1":            {false, false, true},
		"::ffff:10.0.0.1":        {false, false, true},
		"64:ff9b::a00:1":         {false, false, true},
		"fd00::1":                {false, false, true},
		"169.254.169.254":        {}, // metadata of clouds
		"::ffff:169.254.169.254": {},
		"64:ff9b::a9fe:a9fe":     {},
		"fe80::1":                {},
		"fe80::1%eth0":           {},
		"fec0::1":                {},
		"0.0.0.0":                {}, // this machine, on Linux
		"0.1.2.3":                {},
		"::":                     {},
		"100.64.0.1":             {},
		"192.0.0.192":            {},
		"198.18.0.1":             {},
		"224.0.0.1":              {},
		"255.255.255.255":        {},
		"ff02::1":                {},
		"2002:7f00:1::":          {}, // 6to4 of 127.0.0.1
		"2001::1":                {}, // Teredo
		"2001:db8::1":            {},
		"64:ff9b:1::7f00:1":      {},
		"::127.0.0.1":            {},
		"100::1":                 {},
	} {
		a := netip.MustParseAddr(ip)
		for name, c := range map[string]struct {
			allow Allow
			want  bool
		}{"nobody": {Allow{}, want.nobody}, "loopback": {Allow{Loopback: true}, want.loopback}, "private": {Allow{Private: true}, want.private}} {
			if got := c.allow.address(a); got != c.want {
				t.Errorf("%s with leave for %s: %v", ip, name, got)
			}
		}
	}
	if err := (Allow{}).control(t.Context(), "tcp4", "no address", nil); err == nil {
		t.Error("what cannot be read is let through")
	}
}
