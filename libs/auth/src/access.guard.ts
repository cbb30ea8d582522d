import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { AppError } from '@tidegate/errors';

/** Lets a request through only where its route declares that. */
@Injectable()
export class AccessGuard implements CanActivate {
  canActivate(_context: ExecutionContext): boolean {
    throw new AppError('permission_denied', 'You may not use this.');
  }
}
