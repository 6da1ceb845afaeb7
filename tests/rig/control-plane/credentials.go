package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// credentials are a server certificate with its authority, a key, which signs service account tokens as well,
// and an administrator's token.
type credentials struct {
	certFile, keyFile, tokenFile, authorityFile string
	authority                                   []byte
	token                                       string
}

func makeCredentials(dir string) (credentials, error) {
	c := credentials{
		certFile:      filepath.Join(dir, "server.crt"),
		keyFile:       filepath.Join(dir, "server.key"),
		tokenFile:     filepath.Join(dir, "tokens.csv"),
		authorityFile: filepath.Join(dir, "authority.crt"),
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return c, err
	}
	authority, certificate, err := makeCertificates(key)
	if err != nil {
		return c, err
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return c, err
	}
	secret := make([]byte, 16)
	if _, err := rand.Read(secret); err != nil {
		return c, err
	}
	c.token = hex.EncodeToString(secret)
	c.authority = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority})
	files := map[string][]byte{
		c.authorityFile: c.authority,
		c.certFile:      pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		c.keyFile:       pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}),
		c.tokenFile:     []byte(c.token + ",admin,admin,system:masters\n"),
	}
	for name, content := range files {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return c, err
		}
	}
	return c, nil
}

// makeCertificates makes an authority and a server certificate. One for both is refused by rustls: a server must not
// show an authority's certificate. The authority's own key is not kept, as it signs nothing else.
func makeCertificates(server *ecdsa.PrivateKey) (authority, certificate []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	issuer := &x509.Certificate{
		SerialNumber:          big.NewInt(now.UnixNano()),
		Subject:               pkix.Name{CommonName: "control-plane-authority"},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.AddDate(1, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	if authority, err = x509.CreateCertificate(rand.Reader, issuer, issuer, &key.PublicKey, key); err != nil {
		return nil, nil, err
	}
	// Parsed again for its key identifier, which the server certificate is to name.
	if issuer, err = x509.ParseCertificate(authority); err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(now.UnixNano() + 1),
		Subject:               pkix.Name{CommonName: "control-plane"},
		NotBefore:             issuer.NotBefore,
		NotAfter:              issuer.NotAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              []string{"localhost", "kubernetes.default.svc"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 0, 0, 1)},
	}
	certificate, err = x509.CreateCertificate(rand.Reader, template, issuer, &server.PublicKey, key)
	return authority, certificate, err
}

func writeKubeconfig(path, server string, c credentials) error {
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters:
- name: local
  cluster: {server: %q, certificate-authority-data: %q}
users:
- name: admin
  user: {token: %q}
contexts:
- name: local
  context: {cluster: local, user: admin, namespace: default}
current-context: local
`, server, base64.StdEncoding.EncodeToString(c.authority), c.token)
	return os.WriteFile(path, []byte(text), 0o600)
}
