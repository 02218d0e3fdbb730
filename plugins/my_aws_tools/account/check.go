package account

import (
	"context"

	"github.com/cloudplugins/difyplugin/plugin"
)

// Check is the check of the provider's credentials when a user saves them.
func Check(ctx context.Context, saved plugin.Credentials) error {
	return nil
}
