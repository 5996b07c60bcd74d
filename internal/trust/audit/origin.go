package audit

import "context"

// Origin is where an act came from (PG-61): the request it belongs to, the
// address of the caller, the class of his device.
type Origin struct {
	RequestID   string `json:"request"`
	Address     string `json:"address"`
	DeviceClass string `json:"device"`
}

type originKey struct{}

// WithOrigin gives every record made under ctx its origin. The outermost
// middleware calls it once per request.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// OriginOf gives the origin put by WithOrigin, empty if there is none.
func OriginOf(ctx context.Context) Origin {
	o, _ := ctx.Value(originKey{}).(Origin)
	return o
}
