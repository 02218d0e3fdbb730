package sandbox

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

const (
	// certificateAge and certificateLife bound the validity of the authority
	// and of its leaves around the moment they are made. The hour in the past
	// forgives a child process whose clock lags; a day is longer than any run.
	certificateAge  = time.Hour
	certificateLife = 24 * time.Hour

	serialNumberBits = 128
)

// authority is a certificate authority that lives in memory and vouches for any
// host it is asked about. Its key never touches the disk.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	// leafKey is shared by all leaves: they guard nothing, and minting a
	// certificate then costs one signature.
	leafKey *ecdsa.PrivateKey

	mu     sync.Mutex
	leaves map[string]*tls.Certificate
}

func newAuthority(now time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate the authority's key: %w", err)
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate the leaf key: %w", err)
	}
	template, err := certificateTemplate(now, "difyplugin sandbox throw-away CA")
	if err != nil {
		return nil, err
	}
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.MaxPathLenZero = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("sign the authority's certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read the authority's certificate back: %w", err)
	}
	return &authority{
		certificate: certificate,
		key:         key,
		leafKey:     leafKey,
		leaves:      make(map[string]*tls.Certificate),
	}, nil
}

// pem returns the authority's certificate the way SSL_CERT_FILE wants it.
func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

// leaf returns the certificate for one host, minting it at the first call.
func (a *authority) leaf(host string) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if leaf, ok := a.leaves[host]; ok {
		return leaf, nil
	}
	leaf, err := a.mint(host)
	if err != nil {
		return nil, fmt.Errorf("mint a certificate for %s: %w", host, err)
	}
	a.leaves[host] = leaf
	return leaf, nil
}

func (a *authority) mint(host string) (*tls.Certificate, error) {
	template, err := certificateTemplate(a.certificate.NotBefore.Add(certificateAge), "")
	if err != nil {
		return nil, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &a.leafKey.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{
		Certificate: [][]byte{der, a.certificate.Raw},
		PrivateKey:  a.leafKey,
	}, nil
}

func certificateTemplate(now time.Time, commonName string) (*x509.Certificate, error) {
	limit := new(big.Int).Lsh(big.NewInt(1), serialNumberBits)
	serial, err := rand.Int(rand.Reader, limit)
	if err != nil {
		return nil, fmt.Errorf("draw a serial number: %w", err)
	}
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: commonName},
		NotBefore:    now.Add(-certificateAge),
		NotAfter:     now.Add(certificateLife),
	}, nil
}
