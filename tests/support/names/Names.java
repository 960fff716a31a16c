// InetAddress, with java.net.preferIPv6Addresses as it is.
import java.net.InetAddress;
import java.net.UnknownHostException;

public class Names {
    public static void main(String[] names) {
        for (String name : names) {
            long began = System.nanoTime();
            StringBuilder found = new StringBuilder();
            try {
                for (InetAddress address : InetAddress.getAllByName(name))
                    found.append(' ').append(address.getHostAddress());
            } catch (UnknownHostException e) {
                // none
            }
            System.out.printf(java.util.Locale.ROOT, "%s %.3f%s%n", name,
                (System.nanoTime() - began) / 1e9, found);
        }
    }
}
