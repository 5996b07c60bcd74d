package harness

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"

	"github.com/egide-id/egide/internal/identity/directory"
	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/device"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/sandbox"
)

// People gives n invented holders.
func People(n int) []rpps.Professional {
	var list []rpps.Professional
	for _, p := range sandbox.Personas() {
		if !p.Person.ID.IsZero() && len(list) < n {
			list = append(list, p.Person)
		}
	}
	return list
}

// Register publishes people in a register under dir, and gives its folder.
func Register(ctx context.Context, dir string, people []rpps.Professional) (string, error) {
	file := filepath.Join(dir, "Extraction_ProSanteConnect_Personne_activite_202611220000.txt")
	f, err := os.Create(file)
	if err != nil {
		return "", fmt.Errorf("register: %w", err)
	}
	if err := directory.WriteRestricted(f, people); err != nil {
		return "", fmt.Errorf("register: %w", err)
	}
	if err := f.Close(); err != nil {
		return "", fmt.Errorf("register: %w", err)
	}
	folder := filepath.Join(dir, "register")
	_, err = directory.Import(ctx, directory.ImportOptions{
		Dir: folder, Files: []string{file}, Accept: true, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
	})
	return folder, err
}

// Phones enrols one phone a person and lets it approve at once, in this process,
// until ctx ends.
func Phones(ctx context.Context, n *Node, people []rpps.Professional) error {
	transport := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2 * len(people)}}
	for _, p := range people {
		invitation, err := n.Admin.Invite(ctx, p.ID)
		if err != nil {
			return fmt.Errorf("invite: %w", err)
		}
		phone, err := device.Enrol(ctx, transport, invitation.URL, "2580", device.Options{Rounds: 1000})
		if err != nil {
			return fmt.Errorf("enrol: %w", err)
		}
		go func() {
			_ = phone.Watch(ctx, func(r ecps.Request) device.Decision {
				return device.Decision{Do: device.Approve, Number: r.Number, PIN: "2580"}
			}) // ends with the bench
		}()
	}
	return nil
}
