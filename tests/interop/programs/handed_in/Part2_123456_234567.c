/* Part 2: the PDC in C.  gcc Part2_123456_234567.c && ./a.out CMD_short:0 */
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST "tcpip.epfl.ch"
#define PORT "5003"

static char text[100000];

int main(int argc, char **argv)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *server;
    int error = getaddrinfo(HOST, PORT, &hints, &server);
    if (error != 0) {
        fprintf(stderr, "%s: %s\n", HOST, gai_strerror(error));
        return 1;
    }
    int sock = socket(server->ai_family, server->ai_socktype, 0);
    if (connect(sock, server->ai_addr, server->ai_addrlen) != 0) {
        perror("connect");
        return 1;
    }
    send(sock, argv[1], strlen(argv[1]), 0);

    size_t len = 0;
    ssize_t n;
    while ((n = recv(sock, text + len, sizeof(text) - 1 - len, 0)) > 0)
        len += n;
    close(sock);

    char *line = text, *next;
    while (strncmp(line, "This is", 7) == 0 && (next = strstr(line + 1, "This is"))) {
        printf("%.*s\n", (int)(next - line), line);
        line = next;
    }
    printf("%s\n", line);
    return 0;
}
