// Stands in for androidx.test, which is in Google's repository alone: what Robolectric refers to, and no more.
package androidx.test.internal.platform.content;

public interface PermissionGranter {
    void addPermissions(String... permissions);

    void requestPermissions();
}
