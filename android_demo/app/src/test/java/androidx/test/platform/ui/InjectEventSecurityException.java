// Stands in for androidx.test, which is in Google's repository alone: what Robolectric refers to, and no more.
package androidx.test.platform.ui;

public final class InjectEventSecurityException extends Exception {
    public InjectEventSecurityException(String message, Throwable cause) {
        super(message, cause);
    }
}
