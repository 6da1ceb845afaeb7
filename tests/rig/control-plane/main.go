// Command control-plane is a Kubernetes API server with everything a controller's tests need, in one binary:
// etcd, kube-apiserver, kube-controller-manager and kubectl.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"

	"github.com/spf13/cobra"
)

func main() {
	os.Exit(run())
}

func run() int {
	if filepath.Base(os.Args[0]) == "kubectl" {
		return cli.Run(kubectl.NewDefaultKubectlCommand())
	}
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: control-plane serve --dir DIR | kubectl ...")
		return 2
	}
	command := os.Args[1]
	os.Args = os.Args[1:]
	switch command {
	case "kubectl":
		return cli.Run(kubectl.NewDefaultKubectlCommand())
	case "serve":
		return cli.Run(serveCommand())
	// Processes of their own, started by serve: each keeps global state and ends its process when it fails.
	case "kube-apiserver":
		return cli.Run(apiserver.NewAPIServerCommand())
	case "kube-controller-manager":
		return cli.Run(controllermanager.NewControllerManagerCommand())
	}
	fmt.Fprintf(os.Stderr, "control-plane: unknown command %q\n", command)
	return 2
}

func serveCommand() *cobra.Command {
	var dir string
	command := &cobra.Command{
		Use:          "serve",
		Short:        "Serve a control plane until standard input ends or a signal comes",
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE:         func(*cobra.Command, []string) error { return serve(dir) },
	}
	command.Flags().StringVar(&dir, "dir", "", "where its data, keys, kubeconfig and logs go")
	_ = command.MarkFlagRequired("dir")
	return command
}
