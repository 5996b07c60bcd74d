package agent

import "net"

// Through puts something between the listeners and their connections.
func (l *Listeners) Through(wrap func(net.Conn) net.Conn) {
	for i := range l.all {
		l.all[i] = wrapped{l.all[i], wrap}
	}
}

type wrapped struct {
	net.Listener
	wrap func(net.Conn) net.Conn
}

func (w wrapped) Accept() (net.Conn, error) {
	c, err := w.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return w.wrap(c), nil
}
