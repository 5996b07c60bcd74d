package directory

import (
	"context"
	"encoding/json"

	"github.com/egide-id/egide/internal/platform/db/indexfile"
	"github.com/egide-id/egide/internal/platform/fault"
)

// registerFormat changes when records are packed or read differently: the next
// import then rebuilds even from the same files.
const registerFormat = 1

const infoName = "info"

func readInfo(ctx context.Context, f *indexfile.File) (Info, error) {
	data, err := f.Meta(ctx, infoName)
	if err != nil {
		return Info{}, err
	}
	info := Info{Sources: map[string]SourceState{}}
	if err := json.Unmarshal(data, &info); err != nil {
		return Info{}, fault.Wrap(fault.Internal, "", "the register's description cannot be read", err)
	}
	if info.Format > registerFormat {
		return Info{}, fault.New(fault.Unavailable, "", "the register was made by a newer version of this program")
	}
	return info, nil
}

func writeInfo(b *indexfile.Builder, info Info) error {
	data, err := json.Marshal(info)
	if err != nil {
		return fault.Wrap(fault.Internal, "", "the register's description cannot be encoded", err)
	}
	return b.Meta(infoName, data)
}
