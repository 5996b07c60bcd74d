package main

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// asProgram has the test binary be the program itself.
const asProgram = "CARD_BRIDGE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}
