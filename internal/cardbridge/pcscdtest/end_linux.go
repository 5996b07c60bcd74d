package pcscdtest

import (
	"os/exec"
	"syscall"
)

// endWithUs makes the kernel stop the service when this process dies: a test that
// is killed must not leave one behind that every later test meets.
func endWithUs(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
}
