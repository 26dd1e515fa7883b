package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/gannet-io/gannet/cmd/gannet/internal/config"
)

// command returns the command line with all subcommands.
func command(environ []string) *cobra.Command {
	root := &cobra.Command{
		Use:           "gannet",
		Short:         "A Socket.IO server",
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(serveCommand(environ), benchCommand())
	return root
}

func serveCommand(environ []string) *cobra.Command {
	settings := config.New()
	var file string
	var show bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve Socket.IO, with a chat page at / and the server's figures at /stats",
		Long: `Serve Socket.IO, with a chat page at / and the server's figures at /stats.

Every flag is also an environment variable, as GANNET_PING_INTERVAL for
--ping-interval, and a key of the YAML file, as ping-interval. A flag goes
before a variable, and a variable before the file.`,
		Example: `  gannet serve --addr :8080 --client-dir node_modules/socket.io-client/dist
  GANNET_LOG_FORMAT=json gannet serve --config gannet.yaml
  gannet serve --cors-origin https://example.com --print-config`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := load(settings, file, environ); err != nil {
				return err
			}
			if show {
				return settings.Print(cmd.OutOrStdout())
			}
			return serve(cmd.Context(), &settings.Config, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&file, "config", "", "YAML file with settings; its keys are the names of the flags below")
	f.BoolVar(&show, "print-config", false, "print the settings in force, and from where each is, and exit")
	f.AddFlagSet(settings.Flags)
	return cmd
}

// load takes the settings from everywhere and checks them.
func load(s *config.Settings, file string, environ []string) error {
	fromEnv, err := s.LoadEnv(environ)
	if err != nil {
		return err
	}
	if file == "" {
		file = fromEnv
	}
	if file != "" {
		if err := s.LoadFile(file); err != nil {
			return err
		}
	}
	return s.Config.Validate()
}

// version is what the build knows about itself.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return fmt.Sprintf("%s (%s)", info.Main.Version, info.GoVersion)
}
