// Part 2: the PDC in Java.  java Part2.java CMD_short:0
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.Socket;

public class Part2 {
    static final String HOST = "tcpip.epfl.ch";
    static final int PORT = 5003;

    public static void main(String[] args) throws Exception {
        Socket socket = new Socket(HOST, PORT);
        socket.getOutputStream().write(args[0].getBytes("UTF-8"));
        BufferedReader in = new BufferedReader(new InputStreamReader(socket.getInputStream(), "UTF-8"));
        StringBuilder text = new StringBuilder();
        int c;
        while ((c = in.read()) != -1)
            text.append((char) c);
        socket.close();
        System.out.println(text.toString().replaceAll("(\\d)This is", "$1\nThis is"));
    }
}
