package harness

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
)

// Process is a child program whose CPU time and memory are read from outside.
type Process struct {
	cmd *exec.Cmd
	log lockedBuffer
}

// Run starts a program; it is asked to stop when ctx ends.
func Run(ctx context.Context, name string, args ...string) (*Process, error) {
	p := &Process{cmd: exec.CommandContext(ctx, name, args...)}
	p.cmd.Stderr = &p.log
	p.cmd.Stdout = &p.log
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = 10 * time.Second
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// Signal sends the program a signal.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Stop asks the program to end and waits for it.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may be gone already
	_ = p.cmd.Wait()                          // its exit code tells nothing here
}

// CPU is the processor time the process has used, user and system: what the
// scheduler counted for each thread, in nanoseconds, where /proc/PID/stat has ticks of 10 ms.
func (p *Process) CPU() (time.Duration, error) {
	dir := fmt.Sprintf("/proc/%d/task", p.cmd.Process.Pid)
	threads, err := os.ReadDir(dir)
	if err != nil {
		return 0, fmt.Errorf("cpu: %w", err)
	}
	var sum time.Duration
	for _, t := range threads {
		line, err := os.ReadFile(dir + "/" + t.Name() + "/schedstat")
		if err != nil {
			continue // the thread has ended
		}
		ns, err := strconv.ParseInt(strings.Fields(string(line))[0], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("cpu: %w", err)
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}

// Resident is the memory the process holds, in bytes.
func (p *Process) Resident() (int64, error) {
	return p.status("VmRSS")
}

// Wait gives how the program ended by itself.
func (p *Process) Wait() error { return p.cmd.Wait() }

// Used is the processor time and the peak memory of a program that has ended.
func (p *Process) Used() (cpu time.Duration, peak int64) {
	usage, ok := p.cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0, 0
	}
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime(), usage.Maxrss << 10
}

// Kill ends the program at once, as a power cut would end its process.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it may be gone already
	_ = p.cmd.Wait()         // its exit code tells nothing here
}

// Said is what the program has written so far.
func (p *Process) Said() string { return p.log.String() }

// lockedBuffer keeps what a child writes while others read it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (p *Process) status(field string) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("memory: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("memory: no %s", field)
}

// Until asks again every few milliseconds, and gives up after a while.
func Until(what string, limit time.Duration, ready func() bool) error {
	var c clock.System
	for deadline := c.Now().Add(limit); c.Now().Before(deadline); {
		if ready() {
			return nil
		}
		tick, _ := c.After(2 * time.Millisecond)
		<-tick
	}
	return fmt.Errorf("%s: not within %s", what, limit)
}
