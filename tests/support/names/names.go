// Go's own resolver, when built with CGO_ENABLED=0.
package main

import (
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

func main() {
	for _, name := range os.Args[1:] {
		began := time.Now()
		addresses, _ := net.LookupHost(name)
		seconds := time.Since(began).Seconds()
		fmt.Printf("%s %.3f %s\n", name, seconds, strings.Join(addresses, " "))
	}
}
