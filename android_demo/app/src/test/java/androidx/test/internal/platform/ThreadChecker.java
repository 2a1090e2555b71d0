// Stands in for androidx.test, which is in Google's repository alone: what Robolectric refers to, and no more.
package androidx.test.internal.platform;

public interface ThreadChecker {
    void checkMainThread();

    void checkNotMainThread();
}
