//go:build !linux

package pcscdtest

import "os/exec"

func endWithUs(*exec.Cmd) {}
