// Stands in for androidx.test, which is in Google's repository alone: what Robolectric refers to, and no more.
package androidx.test.espresso;

import android.os.Looper;
import java.util.Collection;
import java.util.Collections;

public final class IdlingRegistry {
    private static final IdlingRegistry INSTANCE = new IdlingRegistry();

    private IdlingRegistry() {}

    public static IdlingRegistry getInstance() {
        return INSTANCE;
    }

    public Collection<Looper> getLoopers() {
        return Collections.emptyList();
    }

    public Collection<IdlingResource> getResources() {
        return Collections.emptyList();
    }
}
