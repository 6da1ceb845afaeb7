package main

import (
	"net/url"
	"path/filepath"

	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/storage/wal"
)

// startEtcd serves one etcd member from this process until it ends. Its data need not survive a crash, so nothing
// waits for the disk and nothing need be closed.
func startEtcd(dir, log string, client, peer *url.URL) (*embed.Etcd, error) {
	// Preallocated twice; the default of 64 MB is much for a directory that may lie in memory.
	wal.SegmentSizeBytes = 4 << 20

	config := embed.NewConfig()
	config.Dir = filepath.Join(dir, "etcd")
	config.UnsafeNoFsync = true
	config.LogLevel = "error"
	config.LogOutputs = []string{log}
	config.ListenClientUrls = []url.URL{*client}
	config.AdvertiseClientUrls = []url.URL{*client}
	config.ListenPeerUrls = []url.URL{*peer}
	config.AdvertisePeerUrls = []url.URL{*peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	return embed.StartEtcd(config)
}
