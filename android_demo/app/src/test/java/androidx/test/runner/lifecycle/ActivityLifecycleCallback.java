// Stands in for androidx.test, which is in Google's repository alone: what Robolectric refers to, and no more.
package androidx.test.runner.lifecycle;

import android.app.Activity;

public interface ActivityLifecycleCallback {
    void onActivityLifecycleChanged(Activity activity, Stage stage);
}
