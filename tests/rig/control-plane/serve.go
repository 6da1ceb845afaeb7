package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const readyWithin = 90 * time.Second

// serve runs etcd in this process and the other parts as children, which end when it ends, however it ends.
func serve(dir string) error {
	// From the beginning on: whoever started us may lose patience before we are ready.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()

	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	kubeconfig := filepath.Join(dir, "kubeconfig")
	// It says that there is a server: one of an earlier run must not, nor may ours when we are gone.
	if err := os.Remove(kubeconfig); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	defer os.Remove(kubeconfig)
	// Appended to by several processes, and by whoever redirects our own output there too.
	log, err := os.OpenFile(filepath.Join(dir, "control-plane.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()

	err = runParts(ctx, dir, kubeconfig, log)
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("%w; see %s", err, log.Name())
}

// runParts returns when a part fails or ctx ends.
func runParts(ctx context.Context, dir, kubeconfig string, log *os.File) error {
	addresses, err := freeAddresses(4)
	if err != nil {
		return err
	}
	credentials, err := makeCredentials(dir)
	if err != nil {
		return err
	}
	server := &url.URL{Scheme: "https", Host: addresses[2]}
	internal := filepath.Join(dir, "internal.kubeconfig")
	if err := writeKubeconfig(internal, server.String(), credentials); err != nil {
		return err
	}

	// A failing part ends the others' start too.
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	client := &url.URL{Scheme: "http", Host: addresses[0]}
	etcd, err := startEtcd(dir, log.Name(), client, &url.URL{Scheme: "http", Host: addresses[1]})
	if err != nil {
		return fmt.Errorf("etcd: %w", err)
	}
	go func() { fail(fmt.Errorf("etcd: %w", <-etcd.Err())) }()

	// A child that gets its parent-death signal from a thread which ends would die with the thread.
	runtime.LockOSThread()
	children := &children{log: log, fail: fail}
	defer children.stop()
	if err := children.start(apiserverArgs(credentials, client.String(), addresses[2])); err != nil {
		return err
	}
	// The controller manager gives up when it finds no API server.
	if err := waitUntil(ctx, credentials, server.JoinPath("readyz")); err != nil {
		return err
	}
	if err := children.start(controllerManagerArgs(credentials, internal, addresses[3])); err != nil {
		return err
	}
	// Made by the controller manager in the default namespace: both are there.
	if err := waitUntil(ctx, credentials, server.JoinPath("api/v1/namespaces/default/serviceaccounts/default")); err != nil {
		return err
	}
	// Linked into place, so that nobody sees half of it.
	if err := os.Link(internal, kubeconfig); err != nil {
		return err
	}
	fmt.Println("ready", kubeconfig)
	<-ctx.Done()
	return context.Cause(ctx)
}

func apiserverArgs(c credentials, etcd, address string) []string {
	host, port, _ := net.SplitHostPort(address)
	return []string{
		"kube-apiserver",
		"--etcd-servers=" + etcd,
		"--bind-address=" + host,
		"--secure-port=" + port,
		"--tls-cert-file=" + c.certFile,
		"--tls-private-key-file=" + c.keyFile,
		"--token-auth-file=" + c.tokenFile,
		"--authorization-mode=RBAC",
		"--anonymous-auth=false",
		"--service-cluster-ip-range=10.0.0.0/24",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + c.keyFile,
		"--service-account-signing-key-file=" + c.keyFile,
		// Nobody reaches it through the service `kubernetes`.
		"--endpoint-reconciler-type=none",
		"--enable-priority-and-fairness=false",
		// There are no nodes, volumes and scheduling.
		"--disable-admission-plugins=StorageObjectInUseProtection,DefaultStorageClass,TaintNodesByCondition,Priority",
		"--v=1",
	}
}

func controllerManagerArgs(c credentials, kubeconfig, address string) []string {
	host, port, _ := net.SplitHostPort(address)
	return []string{
		"kube-controller-manager",
		"--kubeconfig=" + kubeconfig,
		"--controllers=namespace-controller,garbage-collector-controller,serviceaccount-controller," +
			"serviceaccount-token-controller,clusterrole-aggregation-controller",
		"--leader-elect=false",
		"--service-account-private-key-file=" + c.keyFile,
		"--root-ca-file=" + c.authorityFile,
		"--bind-address=" + host,
		"--secure-port=" + port,
		"--tls-cert-file=" + c.certFile,
		"--tls-private-key-file=" + c.keyFile,
		"--authorization-always-allow-paths=/healthz",
		"--v=1",
	}
}

// children are the running parts.
type children struct {
	log     *os.File
	fail    context.CancelCauseFunc
	running []*exec.Cmd
	wait    sync.WaitGroup
}

func (c *children) start(args []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	command := exec.Command(self, args...)
	command.Stdout, command.Stderr = c.log, c.log
	if os.Getenv("GOGC") == "" {
		// There may be many of us on one machine: rather small than fast.
		command.Env = append(os.Environ(), "GOGC=50")
	}
	// In a group of its own, a child is not interrupted by Ctrl-C before we are.
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := command.Start(); err != nil {
		return err
	}
	c.running = append(c.running, command)
	c.wait.Go(func() {
		err := command.Wait()
		if err == nil {
			err = errors.New("it stopped by itself")
		}
		c.fail(fmt.Errorf("%s: %w", args[0], err))
	})
	return nil
}

// stop kills the parts, as nothing they hold is worth a graceful end, and leaves no zombies.
func (c *children) stop() {
	for _, command := range c.running {
		_ = command.Process.Kill()
	}
	c.wait.Wait()
}

// waitUntil returns when there is something at url.
func waitUntil(ctx context.Context, c credentials, url *url.URL) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyWithin, fmt.Errorf("no %s within %s", url, readyWithin))
	defer cancel()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(c.authority)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Timeout: 2 * time.Second, Transport: transport}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url.String(), nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	for {
		if response, err := client.Do(request); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func freeAddresses(count int) ([]string, error) {
	addresses := make([]string, 0, count)
	for range count {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		// Held until all are found, so that they differ.
		defer listener.Close()
		addresses = append(addresses, listener.Addr().String())
	}
	return addresses, nil
}
