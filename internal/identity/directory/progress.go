package directory

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
)

// progress draws one line on a terminal while files are read. It is a Writer
// that counts what passes; without an output it only counts.
type progress struct {
	mu    sync.Mutex
	out   io.Writer
	clock clock.Clock
	total int64
	done  int64
	step  string
	drawn time.Time
}

// redraw is the shortest time between two drawings.
const redraw = 100 * time.Millisecond

// Write implements io.Writer.
func (p *progress) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += int64(len(b))
	if now := p.clock.Now(); p.out != nil && now.Sub(p.drawn) >= redraw {
		p.drawn = now
		p.draw()
	}
	return len(b), nil
}

// say names the step under way.
func (p *progress) say(step string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.step = step
	if p.out != nil {
		p.draw()
	}
}

func (p *progress) draw() {
	const width = 30
	share := 1.0
	if p.total > 0 {
		share = min(1, float64(p.done)/float64(p.total))
	}
	full := int(share * width)
	bar := strings.Repeat("#", full) + strings.Repeat(".", width-full)
	// A terminal that went away must not stop an import.
	_, _ = fmt.Fprintf(p.out, "\r[%s] %3.0f %% %-40s", bar, 100*share, clipStep(p.step))
}

func clipStep(s string) string {
	const width = 40
	if r := []rune(s); len(r) > width {
		return string(r[:width])
	}
	return s
}

// end clears the line.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.out != nil {
		_, _ = fmt.Fprintf(p.out, "\r%s\r", strings.Repeat(" ", 80))
	}
}
