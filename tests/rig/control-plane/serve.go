package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

const readyWithin = 90 * time.Second

// serve runs the three parts as children and ends them when it ends, however it ends.
func serve(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	ports, err := freePorts(4)
	if err != nil {
		return err
	}
	credentials, err := makeCredentials(dir)
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(dir, "control-plane.log"))
	if err != nil {
		return err
	}
	defer log.Close()

	// A child that gets its parent-death signal from a thread which ends would die with the thread.
	runtime.LockOSThread()
	children := &children{log: log, ended: make(chan error, 3)}
	defer children.stop()

	server := fmt.Sprintf("https://127.0.0.1:%d", ports[2])
	kubeconfig := filepath.Join(dir, "kubeconfig")
	internal := filepath.Join(dir, "internal.kubeconfig")
	if err := writeKubeconfig(internal, server, credentials); err != nil {
		return err
	}
	etcd := fmt.Sprintf("http://127.0.0.1:%d", ports[0])
	parts := [][]string{
		etcdArgs(dir, etcd, fmt.Sprintf("http://127.0.0.1:%d", ports[1])),
		apiserverArgs(credentials, etcd, ports[2]),
		controllerManagerArgs(credentials, internal, ports[3]),
	}
	for i, args := range parts {
		if err := children.start(args); err != nil {
			return err
		}
		// The controller manager gives up when it finds no API server.
		if i == 1 {
			if err := waitUntil(credentials, server+"/readyz", children.ended); err != nil {
				return fmt.Errorf("%w; see %s", err, log.Name())
			}
		}
	}
	if err := waitUntil(credentials, server+"/api/v1/namespaces/default/serviceaccounts/default", children.ended); err != nil {
		return fmt.Errorf("%w; see %s", err, log.Name())
	}
	if err := os.Rename(internal, kubeconfig); err != nil {
		return err
	}
	fmt.Println("ready", kubeconfig)

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	eof := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(eof)
	}()
	select {
	case err := <-children.ended:
		return fmt.Errorf("a part ended: %w; see %s", err, log.Name())
	case <-stop:
	case <-eof:
	}
	return nil
}

func etcdArgs(dir, client, peer string) []string {
	return []string{"etcd", "--dir", filepath.Join(dir, "etcd"), "--client", client, "--peer", peer}
}

func apiserverArgs(c credentials, etcd string, port int) []string {
	return []string{
		"kube-apiserver",
		"--etcd-servers=" + etcd,
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", port),
		"--tls-cert-file=" + c.certFile,
		"--tls-private-key-file=" + c.keyFile,
		"--token-auth-file=" + c.tokenFile,
		"--authorization-mode=RBAC",
		"--anonymous-auth=false",
		"--service-cluster-ip-range=10.0.0.0/24",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + c.keyFile,
		"--service-account-signing-key-file=" + c.keyFile,
		"--endpoint-reconciler-type=none",
		"--enable-priority-and-fairness=false",
		"--disable-admission-plugins=StorageObjectInUseProtection,DefaultStorageClass,TaintNodesByCondition,Priority",
		"--v=1",
	}
}

func controllerManagerArgs(c credentials, kubeconfig string, port int) []string {
	return []string{
		"kube-controller-manager",
		"--kubeconfig=" + kubeconfig,
		"--controllers=namespace-controller,garbage-collector-controller,serviceaccount-controller,serviceaccount-token-controller",
		"--leader-elect=false",
		"--service-account-private-key-file=" + c.keyFile,
		"--root-ca-file=" + c.authorityFile,
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", port),
		"--tls-cert-file=" + c.certFile,
		"--tls-private-key-file=" + c.keyFile,
		"--authorization-always-allow-paths=/healthz",
		"--v=1",
	}
}

// children are the running parts.
type children struct {
	log     *os.File
	running []*exec.Cmd
	ended   chan error
}

func (c *children) start(args []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	command := exec.Command(self, args...)
	command.Stdout, command.Stderr = c.log, c.log
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := command.Start(); err != nil {
		return err
	}
	c.running = append(c.running, command)
	go func() {
		err := command.Wait()
		if err == nil {
			err = errors.New("it stopped by itself")
		}
		c.ended <- fmt.Errorf("%s: %w", args[0], err)
	}()
	return nil
}

// stop kills the parts: nothing they hold is worth a graceful end.
func (c *children) stop() {
	for _, command := range c.running {
		_ = command.Process.Kill()
	}
}

func waitUntil(c credentials, url string, ended <-chan error) error {
	client := &http.Client{
		Timeout:   2 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, //nolint:gosec // our own loopback server
	}
	var last error
	for deadline := time.Now().Add(readyWithin); time.Now().Before(deadline); {
		request, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		request.Header.Set("Authorization", "Bearer "+c.token)
		response, err := client.Do(request)
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
			err = errors.New(response.Status)
		}
		last = err
		select {
		case err := <-ended:
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s did not answer in %s: %w", url, readyWithin, last)
}

func freePorts(count int) ([]int, error) {
	ports := make([]int, 0, count)
	for range count {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		// Held until all are found, so that they differ.
		defer listener.Close()
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
