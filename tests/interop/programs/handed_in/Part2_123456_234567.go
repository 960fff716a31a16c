// Part 2: the PDC in Go.  go run Part2_123456_234567.go CMD_short:0
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strings"
)

func main() {
	conn, err := net.Dial("tcp4", "tcpip.epfl.ch:5003")
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, os.Args[1])
	text, err := io.ReadAll(conn)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.TrimSpace(strings.ReplaceAll(string(text), "This is PMU", "\nThis is PMU")))
}
