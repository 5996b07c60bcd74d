package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/clock"
)

// perAddress is how many connections come from one loopback address: its ports
// are fewer than the phones.
const perAddress = 10000

// openAll opens every stream; each opens again when it ends, until ctx is done.
func (c *crowd) openAll(ctx context.Context) error {
	var places []*crowdPhone
	for i := range c.phones {
		for range c.phones[i].streams {
			places = append(places, &c.phones[i])
		}
	}
	return each(len(places), func(i int) error {
		from := &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i/perAddress))}
		conn, in, err := c.connect(ctx, places[i], from)
		if err != nil {
			return err
		}
		go c.hold(ctx, places[i], from, conn, in)
		return nil
	})
}

// connect signs one call for events, as a phone does, and reads the head of the answer.
func (c *crowd) connect(ctx context.Context, p *crowdPhone, from *net.TCPAddr) (net.Conn, *bufio.Reader, error) {
	id, err := ecps.NewID(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	var clk clock.System
	proof, err := ecps.SignCall(p.key, p.device, ecps.Call{
		V: ecps.Version, Issuer: c.issuer, Method: http.MethodGet, Path: ecps.PathEvents, Body: ecps.BodyHash(nil), Time: clk.Now().Unix(), ID: id,
	})
	if err != nil {
		return nil, nil, err
	}
	conn, err := (&net.Dialer{LocalAddr: from}).DialContext(ctx, "tcp", c.host)
	if err != nil {
		return nil, nil, fmt.Errorf("stream: %w", err)
	}
	base, err := url.Parse(c.api)
	if err != nil {
		return nil, nil, err
	}
	if _, err := fmt.Fprintf(conn, "GET %s%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: egide-load\r\nAuthorization: %s %s\r\n\r\n", base.Path, ecps.PathEvents, c.host, ecps.Scheme, proof); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("stream: %w", err), conn.Close())
	}
	in := bufio.NewReaderSize(conn, 512)
	line, err := in.ReadString('\n')
	if err != nil || !strings.Contains(line, " 200 ") {
		return nil, nil, errors.Join(fmt.Errorf("stream: %q", line), err, conn.Close())
	}
	return conn, in, nil
}

func (c *crowd) hold(ctx context.Context, p *crowdPhone, from *net.TCPAddr, conn net.Conn, in *bufio.Reader) {
	for ctx.Err() == nil {
		c.open.Add(1)
		c.read(p, in)
		c.open.Add(-1)
		_ = conn.Close() // it has ended
		if ctx.Err() != nil {
			return
		}
		var err error
		if conn, in, err = c.connect(ctx, p, from); err != nil {
			return // told by the count of open ones
		}
		c.again.Add(1)
	}
}

func (c *crowd) read(p *crowdPhone, in *bufio.Reader) {
	var clk clock.System
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		if strings.Contains(line, `"transaction"`) {
			c.arrivals <- arrival{p.holder, clk.Now()}
		}
	}
}
